// The package has a server and no program that says its version.
import { readFileSync } from "node:fs";

const home = new URL("node_modules/unleash-server/", import.meta.url);
if (process.argv[2] === "--version") {
  console.log(JSON.parse(readFileSync(new URL("package.json", home))).version);
} else {
  await import(new URL("dist/server.js", home));
}
