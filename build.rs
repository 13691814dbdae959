//! Rebuilds when the demo that is embedded was built anew, or appears for the first time.

fn main() {
    println!("cargo::rerun-if-changed=web-demo/dist");
}
