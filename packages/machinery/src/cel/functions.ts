import { authorizerFunctions } from './authorizer.ts'
import { formatFunctions } from './formats.ts'
import { kubernetesFunctions } from './kubernetes.ts'
import { listFunctions } from './lists.ts'
import { networkFunctions } from './network.ts'
import { standardFunctions } from './standard.ts'
import { stringFunctions } from './strings.ts'
import { timeFunctions } from './times.ts'
import type { CelFunction } from './value.ts'

const table = new Map<string, CelFunction>(
  [
    standardFunctions,
    stringFunctions,
    listFunctions,
    timeFunctions,
    kubernetesFunctions,
    networkFunctions,
    formatFunctions,
    authorizerFunctions,
  ].flatMap((functions) => Object.entries(functions)),
)

export const functionOf = (name: string): CelFunction | undefined => table.get(name)
