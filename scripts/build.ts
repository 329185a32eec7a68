/** Bundles the command into dist/: skiff.js with its lazily loaded parts, the store's worker, and the tiny entry of `skiff version`. */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { writeDescriptions } from './generate-descriptions.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * JSON is parsed, which is several times faster than a literal. The facts lie beside the bundle, so that their text is not kept; other
 * JSON belongs to packages, which may require it.
 */
const parsedJson: Plugin = {
  name: 'parsed-json',
  setup: (building) => {
    building.onLoad({ filter: /\.json$/ }, ({ path }) => {
      const text = JSON.stringify(JSON.parse(readFileSync(path, 'utf8')))
      if (!path.startsWith(`${root}packages/`)) return { contents: `module.exports = JSON.parse(${JSON.stringify(text)})`, loader: 'js' }
      const name = `${basename(path, '.json')}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}.json`
      mkdirSync(`${root}dist`, { recursive: true })
      writeFileSync(`${root}dist/${name}`, text)
      const url = `new URL(${JSON.stringify(name)}, import.meta.url)`
      return { contents: `import { readFileSync } from 'node:fs'; export default JSON.parse(readFileSync(${url}, 'utf8'))`, loader: 'js' }
    })
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
  // Node keeps the text of what runs and of its maps: without blanks and sources it is half as much. Names stay for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  banner: { js: banner },
  plugins: [parsedJson],
  logLevel: 'warning',
})
copyFileSync(writeDescriptions(), `${root}dist/descriptions.json`)
writeFileSync(`${root}dist/package.json`, '{"type":"module"}\n')
writeFileSync(`${root}dist/.built`, '')
