import { skiffVersion } from './skiff-version.ts'

// `skiff version` alone in a file of its own: nothing else is loaded for it.
process.stdout.write(`${skiffVersion}\n`)
