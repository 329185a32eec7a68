import { kubernetesFunctions } from './kubernetes.ts'
import { listFunctions } from './lists.ts'
import { networkFunctions } from './network.ts'
import { standardFunctions } from './standard.ts'
import { stringFunctions } from './strings.ts'
import { timeFunctions } from './times.ts'
import type { CelValue } from './value.ts'

/** A function of its arguments, the target of a method first. Throws a CelError for arguments that it does not take. */
export type CelFunction = (args: readonly CelValue[], isMethod: boolean) => CelValue

const table = new Map<string, CelFunction>(
  [standardFunctions, stringFunctions, listFunctions, timeFunctions, kubernetesFunctions, networkFunctions].flatMap((functions) =>
    Object.entries(functions),
  ),
)

export const functionOf = (name: string): CelFunction | undefined => table.get(name)
