import type { JsonObject } from '@skiff/machinery'
import type { FlagSpec } from '../flags.ts'
import type { Invocation } from '../verb.ts'

/** A form of `create`: its flags and the object that its words make. Namespaces are the caller's business. */
export interface Generator {
  readonly usage: string
  readonly flags: readonly FlagSpec[]
  readonly required?: readonly string[]
  object(invocation: Invocation): JsonObject | Promise<JsonObject>
}

export const named = (apiVersion: string, kind: string, name: string, rest: JsonObject = {}): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name },
  ...rest,
})
