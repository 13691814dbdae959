/** Runs the measurements, or those named: `npm run measure -- ghosts relays`. */
const MEASUREMENTS = ['relays', 'ghosts', 'recovery', 'rolling-restart'];

const wanted = process.argv.slice(2);
for (const name of MEASUREMENTS.filter((each) => wanted.length === 0 || wanted.includes(each))) {
  const { title, measure } = await import(`./${name}.mjs`);
  console.log(`${name}: ${title}`);
  await measure();
}
process.exit(0);
