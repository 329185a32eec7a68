import { formatLabelSelector } from '@skiff/machinery'
import { at, mapAt, numberAt, textAt } from '../objects/fields.ts'
import { eventLines } from './event-lines.ts'
import { labelsText, line, nameLine, nameLines } from './lines.ts'
import type { Describer } from './look.ts'

export const describePodDisruptionBudget: Describer = async (budget, look) => {
  const spec = mapAt(budget, 'spec')
  const count = (title: string, path: string): string => line(2, `${title}:\t${numberAt(budget, `status.${path}`)}`)
  return [
    ...nameLines(budget),
    ...(spec.minAvailable !== undefined
      ? [`Min available:\t${spec.minAvailable}`]
      : spec.maxUnavailable !== undefined
        ? [`Max unavailable:\t${spec.maxUnavailable}`]
        : []),
    `Selector:\t${spec.selector === undefined ? '<unset>' : formatLabelSelector(mapAt(spec, 'selector') as never)}`,
    'Status:',
    count('Allowed disruptions', 'disruptionsAllowed'),
    count('Current', 'currentHealthy'),
    count('Desired', 'desiredHealthy'),
    count('Total', 'expectedPods'),
    ...(await eventLines(budget, look)),
  ]
}

export const describePriorityClass: Describer = async (object, look) => [
  nameLine(object),
  `Value:\t${numberAt(object, 'value')}`,
  `GlobalDefault:\t${at(object, 'globalDefault') === true}`,
  `PreemptionPolicy:\t${textAt(object, 'preemptionPolicy')}`,
  `Description:\t${textAt(object, 'description')}`,
  `Annotations:\t${labelsText(mapAt(object, 'metadata.annotations'))}`,
  ...(await eventLines(object, look)),
]
