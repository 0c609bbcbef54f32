import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../web/static/", import.meta.url);
const sources = (folder, ending) =>
  readdirSync(new URL(folder, root), { recursive: true })
    .filter((name) => name.endsWith(ending) && !name.endsWith(".d.ts"))
    .map((name) => [name, readFileSync(new URL(`${folder}/${name}`, root), "utf8").replace(/\/\*[^]*?\*\//g, "")]);

/** Of 2022 and later, in any of Chromium, Firefox and Safari; private methods, of 2021, are the oldest that we need. */
const YOUNG = [
  /\.at\(-/, /\.findLast(Index)?\(/, /\.to(Reversed|Sorted|Spliced)\(/, /\.with\(/, /\bObject\.(groupBy|hasOwn)\b/, /\bMap\.groupBy\b/,
  /\bPromise\.(withResolvers|try)\b/, /\bAbortSignal\.(timeout|any)\b/, /\bstructuredClone\b/, /\breportError\b/, /\bArray\.fromAsync\b/,
  /shortOffset|longOffset/, /\.replaceAll\(/, /\.(union|intersection|difference)\(/, /\bIterator\b/, /\(\?<[=!]/, /\bstatic \{/, /#\w+ in /,
  /\.checkVisibility\(/, /\.scrollend\b/, /startViewTransition|popover/, /\bTemporal\b|DurationFormat/,
];

test("no script needs what a browser of 2022 lacks", () => {
  const found = sources("js", ".js").flatMap(([name, text]) => YOUNG.filter((young) => young.test(text)).map((young) => `${name}: ${young}`));

  assert.deepEqual(found, []);
});

test("a corner is rounded only where the canvas can", () => {
  const found = sources("js", ".js").filter(([, text]) => /(?<!if \(ctx\.roundRect\) ctx)\.roundRect\(/.test(text)).map(([name]) => name);

  assert.deepEqual(found, []);
});

/** What stands outside @supports, where every browser reads it. */
function plain(css) {
  let [rest, depth, skipped] = ["", 0, null];
  for (const part of css.split(/(?<=[{}])/)) {
    if (skipped === null && /@supports[^{]*\{$/.test(part)) skipped = depth;
    if (skipped === null) rest += part;
    depth += part.endsWith("{") ? 1 : part.endsWith("}") ? -1 : 0;
    if (depth === skipped) skipped = null;
  }
  return rest;
}

test("every colour and every rule is there for browsers that know no light-dark(), color-mix(), :has() or nesting", () => {
  const young = /light-dark\(|color-mix\(|oklch\(|oklab\(|lch\(|color\(|:has\(|@layer|@container|@scope|@property|\b\d+[sdl]v[hw]\b|text-wrap|\binset:/;
  for (const [name, css] of sources("css", ".css")) {
    assert.equal(young.exec(plain(css))?.[0], undefined, name);
    let selectors = 0;
    for (const part of css.split(/(?<=[{}])/)) {
      const isRule = part.endsWith("{") && !/@\w[^{}]*\{$/.test(part);
      assert.ok(!(isRule && selectors > 0), `${name} nests ${part}`);
      if (isRule) selectors += 1;
      else if (part.endsWith("}") && selectors > 0) selectors -= 1;
    }
  }
});

test("no script has comments that would be sent: those of one line are not left out", () => {
  const found = sources("js", ".js").flatMap(([name, text]) => [...text.matchAll(/^\s*\/\/.*/gm)].map(([line]) => `${name}: ${line}`));

  assert.deepEqual(found, []);
});
