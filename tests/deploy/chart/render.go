// Renders a Helm chart by what Helm renders with: text/template, Sprig, and its few functions on
// top. For places without Helm; where Helm is, `helm template` does the same.
//
//	render CHART RELEASE NAMESPACE [VALUES...]
//
// Not there: subcharts, lookup, files, and checks of values.schema.json.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"github.com/ghodss/yaml"
)

type values = map[string]interface{}

func main() {
	if len(os.Args) < 4 {
		fail(fmt.Errorf("usage: render CHART RELEASE NAMESPACE [VALUES...]"))
	}
	chart, release, namespace := os.Args[1], os.Args[2], os.Args[3]
	all := read(filepath.Join(chart, "values.yaml"))
	for _, path := range os.Args[4:] {
		all = overlay(all, read(path))
	}
	metadata := values{}
	for name, value := range read(filepath.Join(chart, "Chart.yaml")) {
		metadata[strings.ToUpper(name[:1])+name[1:]] = value
	}
	scope := values{
		"Chart":   metadata,
		"Release": values{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
		"Values":  all,
	}
	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	fail(err)
	sort.Strings(paths)
	root := parse(paths, chart)
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), "_") || strings.HasSuffix(path, ".txt") {
			continue
		}
		name := nameOf(path, chart)
		scope["Template"] = values{"Name": name, "BasePath": filepath.Dir(name)}
		var out bytes.Buffer
		fail(root.ExecuteTemplate(&out, name, scope))
		if text := strings.TrimSpace(out.String()); text != "" {
			fmt.Printf("---\n# Source: %s\n%s\n", name, text)
		}
	}
}

func nameOf(path, chart string) string {
	inner, err := filepath.Rel(chart, path)
	fail(err)
	return filepath.Join(filepath.Base(chart), inner)
}

// All templates of a chart, each under the name that Helm gives it.
func parse(paths []string, chart string) *template.Template {
	root := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	functions["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		fail(err)
		return strings.TrimSuffix(string(text), "\n")
	}
	functions["toJson"] = func(value interface{}) string {
		text, err := json.Marshal(value)
		fail(err)
		return string(text)
	}
	functions["include"] = func(name string, scope interface{}) (string, error) {
		var out bytes.Buffer
		err := root.ExecuteTemplate(&out, name, scope)
		return out.String(), err
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return value, fmt.Errorf("%s", message)
		}
		return value, nil
	}
	root.Funcs(functions)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		fail(err)
		_, err = root.New(nameOf(path, chart)).Parse(string(text))
		fail(err)
	}
	return root
}

func read(path string) values {
	text, err := os.ReadFile(path)
	fail(err)
	result := values{}
	fail(yaml.Unmarshal(text, &result))
	return result
}

// Later values win; objects are merged, and null removes what was there.
func overlay(below, above values) values {
	result := values{}
	for name, value := range below {
		result[name] = value
	}
	for name, value := range above {
		inner, isObject := value.(values)
		outer, wasObject := result[name].(values)
		switch {
		case value == nil:
			delete(result, name)
		case isObject && wasObject:
			result[name] = overlay(outer, inner)
		default:
			result[name] = value
		}
	}
	return result
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
