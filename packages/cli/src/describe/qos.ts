import { compareQuantities, type JsonObject, quantitySign } from '@skiff/machinery'
import { listAt, mapAt, textAt } from '../objects/fields.ts'

const counted = ['cpu', 'memory']

/** A pod's quality of service: what its status says, else what follows from its containers. */
export const qosClassOf = (pod: JsonObject): string => {
  const said = textAt(pod, 'status.qosClass')
  if (said !== '') return said
  const containers = [...listAt(pod, 'spec.containers'), ...listAt(pod, 'spec.initContainers')]
  const amounts = containers.map((container) =>
    counted.map((name) => ['requests', 'limits'].map((side) => positive(mapAt(container, ['resources', side]), name))),
  )
  if (amounts.flat(2).every((amount) => amount === undefined)) return 'BestEffort'
  const guaranteed = amounts
    .flat()
    .every(([request, limit]) => limit !== undefined && (request === undefined || compareQuantities(request, limit) === 0))
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

const positive = (amounts: JsonObject, name: string): string | undefined => {
  const text = textAt(amounts, [name])
  return text !== '' && quantitySign(text) > 0 ? text : undefined
}
