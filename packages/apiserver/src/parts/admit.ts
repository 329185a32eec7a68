import type { KubeObject } from '@skiff/machinery'
import type { Request, Rest } from '../rest/context.ts'
import { givenOptions } from '../rest/options.ts'

/** Asks policies and webhooks about a call to a part whose body or query is an object of its own kind, of the core group unless told. */
export const admitPart = async (
  rest: Rest,
  { call, kind, dryRun, warnings }: Request,
  verb: 'create' | 'update' | 'connect',
  object: { readonly kind: string } & Readonly<Record<string, unknown>>,
  group = '',
  old?: KubeObject,
): Promise<void> => {
  const objectKind = { group, version: 'v1', kind: object.kind }
  const request = {
    verb,
    kind,
    namespace: call.namespace,
    name: call.name ?? '',
    subresource: call.subresource,
    object: { apiVersion: group === '' ? 'v1' : `${group}/v1`, ...object } as unknown as KubeObject,
    objectKind,
    old,
    identity: call.identity,
    dryRun,
    warnings,
    options: () => givenOptions(call),
  }
  const shaping = rest.admission.mutate(request)
  if (shaping instanceof Promise) await shaping
  const judging = rest.admission.validate(request)
  if (judging instanceof Promise) await judging
}
