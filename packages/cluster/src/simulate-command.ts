import { dirname, resolve } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { FileError, readTrace, replayTrace, type Trace } from '@skiff/simulation'
import { textOf } from './simulation-choice.ts'
import { type Tell, UserError } from './talk.ts'

/** `skiff simulate`: replays a trace and prints what happens. Answers whether all that it expects holds. */
export const simulate = async (path: string, seed: number, tell: Tell, tellAside: Tell): Promise<boolean> => {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 31) throw new UserError('--seed takes a whole number from 0 on')
  const trace = readAt(path)
  const { monotonicMs } = systemEnv()
  const beganMs = monotonicMs()
  try {
    const { failed } = await replayTrace({ trace, seed, print: tell })
    // Not among the lines that are equal for equal seeds.
    tellAside(`replayed in ${((monotonicMs() - beganMs) / 1000).toFixed(1)} s`)
    return failed === 0
  } catch (error) {
    if (error instanceof FileError) throw new UserError(`${path}: ${error.message}`)
    throw error
  }
}

const readAt = (path: string): Trace => {
  try {
    return readTrace(textOf(path), (named) => textOf(resolve(dirname(path), named)))
  } catch (error) {
    if (error instanceof FileError) throw new UserError(`${path}: ${error.message}`)
    throw error
  }
}
