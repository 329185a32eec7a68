/**
 * The whole test suite: types, lint and format, generated files, then every test. `./skiff test PATTERN` runs only the tests whose
 * file names contain PATTERN. Ends with `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatedDifferences } from './check-generated.ts'

interface Tally {
  passed: number
  failed: number
  skipped: number
}
const tally: Tally = { passed: 0, failed: 0, skipped: 0 }

const step = (name: string, run: () => boolean): void => {
  const ok = run()
  console.log(`${ok ? 'ok' : 'FAILED'}  ${name}`)
  if (ok) tally.passed++
  else tally.failed++
}

const command = (file: string, args: readonly string[]): boolean => spawnSync(file, args, { stdio: 'inherit' }).status === 0
const bin = (name: string) => join('node_modules', '.bin', name)

const patterns = process.argv.slice(2)
if (patterns.length === 0) {
  step('types', () => command(bin('tsc'), ['--noEmit']))
  step('lint and format', () => command(bin('biome'), ['check', '--diagnostic-level=error', '.']))
  step('generated files are up to date', () => {
    const differences = generatedDifferences()
    for (const file of differences) console.log(`${file} differs from what its script writes`)
    return differences.length === 0
  })
}

// Tests of whole clusters run the program as users do.
step('build', () => command('./skiff', ['version']))

const results = mkdtempSync(join(tmpdir(), 'skiff-results-'))
const report = join(results, 'vitest.json')
spawnSync(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${report}`,
    ...patterns,
  ],
  {
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
  },
)
try {
  const summary = JSON.parse(readFileSync(report, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    numPendingTests: number
    testResults: { status: string; assertionResults: unknown[] }[]
  }
  tally.passed += summary.numPassedTests
  // A file that could not be loaded has no test of its own that failed.
  tally.failed +=
    summary.numFailedTests + summary.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length
  tally.skipped += summary.numPendingTests
} catch {
  tally.failed++
  console.log('the test runner wrote no report')
}
rmSync(results, { recursive: true, force: true })
if (tally.skipped > 0) console.log(`${tally.skipped} skipped; each says why above`)
console.log(`${tally.passed} passed, ${tally.failed} failed`)
process.exit(tally.failed === 0 ? 0 : 1)
