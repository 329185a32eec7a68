import type { FieldError } from '@skiff/machinery'
import type { Kind } from '../catalogue.ts'

/**
 * What a Job's status must say since controllers other than upstream's may write it (1.32): a step before its end, and counters that never
 * fall. Controllers as old as the API versions here know neither.
 */
const newer = [/^Invalid value: cannot set (Failed|Complete)=True condition without the /, /^Invalid value: .*cannot decrease the /]

const isNewer = ({ body }: FieldError): boolean => newer.some((pattern) => pattern.test(body))

/** The kind as controllers of those times may write it too. */
export const forOlderControllers = (kind: Kind): Kind => {
  if (kind.group !== 'batch' || kind.kind !== 'Job') return kind
  const { status, ...others } = kind.behaviour.subresources ?? {}
  const check = status?.validateUpdate
  if (!status || !check) return kind
  const lenient = { ...status, validateUpdate: (...given: Parameters<typeof check>) => check(...given).filter((fault) => !isNewer(fault)) }
  return { ...kind, behaviour: { ...kind.behaviour, subresources: { ...others, status: lenient } } }
}
