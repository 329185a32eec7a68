/** Bundles the command into dist/: skiff.js with its lazily loaded parts, the store's worker, and the tiny entry of `skiff version`. */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { writeDescriptions } from './generate-descriptions.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** JSON becomes a string that JSON.parse reads: several times faster to load than an object literal. */
const parsedJson: Plugin = {
  name: 'parsed-json',
  setup: (building) => {
    building.onLoad({ filter: /\.json$/ }, ({ path }) => ({
      contents: `module.exports = JSON.parse(${JSON.stringify(JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))))})`,
      loader: 'js',
    }))
  },
}

// Packages in CommonJS call require at run time, which an ES module does not have.
const banner = "import { createRequire as skiffCreateRequire } from 'node:module'; const require = skiffCreateRequire(import.meta.url);"

rmSync(`${root}dist`, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: {
    skiff: 'packages/cluster/src/main.ts',
    version: 'packages/cluster/src/version-entry.ts',
    'store-worker': 'packages/store/src/durable/worker.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // The ES form of a package has named exports also when it is loaded late.
  mainFields: ['module', 'main'],
  sourcemap: true,
  legalComments: 'none',
  banner: { js: banner },
  plugins: [parsedJson],
  logLevel: 'warning',
})
copyFileSync(writeDescriptions(), `${root}dist/descriptions.json`)
writeFileSync(`${root}dist/package.json`, '{"type":"module"}\n')
writeFileSync(`${root}dist/.built`, '')
