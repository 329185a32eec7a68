import { formatLabelSelector, type JsonObject } from '@skiff/machinery'
import { at, listAt, mapAt, numberAt, textAt } from '../objects/fields.ts'
import { containerLines } from './containers.ts'
import { annotationLines, labelLines, line } from './lines.ts'
import { volumeLines } from './volumes.ts'

const tolerationText = (toleration: JsonObject): string => {
  const [key, value, effect, operator] = ['key', 'value', 'effect', 'operator'].map((path) => textAt(toleration, path)) as [
    string,
    string,
    string,
    string,
  ]
  const named = `${key}${value === '' ? '' : `=${value}`}${effect === '' ? '' : `:${effect}`}`
  const exists = operator === 'Exists' && value === '' ? (key === '' && effect === '' ? 'op=Exists' : ' op=Exists') : ''
  const seconds = at(toleration, 'tolerationSeconds')
  return `${named}${exists}${seconds === undefined ? '' : ` for ${seconds}s`}`
}

/** Tolerations by their keys, one a line. */
export const tolerationLines = (title: string, tolerations: readonly JsonObject[]): string[] => {
  if (tolerations.length === 0) return [`${title}:\t<none>`]
  return [...tolerations]
    .sort((a, b) => (textAt(a, 'key') < textAt(b, 'key') ? -1 : textAt(a, 'key') > textAt(b, 'key') ? 1 : 0))
    .map((toleration, i) => `${i === 0 ? `${title}:` : ''}\t${tolerationText(toleration)}`)
}

/** Topology spread constraints by their keys; nothing where there are none. */
export const spreadLines = (constraints: readonly JsonObject[], space: string): string[] =>
  [...constraints]
    .sort((a, b) => (textAt(a, 'topologyKey') < textAt(b, 'topologyKey') ? -1 : 1))
    .map((each, i) => {
      const selector =
        at(each, 'labelSelector') === undefined ? '' : ` for selector ${formatLabelSelector(mapAt(each, 'labelSelector') as never)}`
      const lead = i === 0 ? `${space}Topology Spread Constraints:\t` : `${space}\t`
      return `${lead}${textAt(each, 'topologyKey')}:${textAt(each, 'whenUnsatisfiable')} when max skew ${numberAt(each, 'maxSkew')} is exceeded${selector}`
    })

/** `Pod Template:` of a workload. */
export const templateLines = (template: JsonObject | undefined): string[] => {
  if (template === undefined) return ['Pod Template:', line(1, '<unset>')]
  const annotations = mapAt(template, 'metadata.annotations')
  const spec = mapAt(template, 'spec')
  const optional = (title: string, path: string): string[] =>
    textAt(spec, path) === '' ? [] : [line(1, `${title}:\t${textAt(spec, path)}`)]
  const initContainers = listAt(spec, 'initContainers')
  return [
    'Pod Template:',
    ...labelLines('  Labels', mapAt(template, 'metadata.labels')),
    ...(Object.keys(annotations).length === 0 ? [] : annotationLines('  Annotations', annotations)),
    ...optional('Service Account', 'serviceAccountName'),
    ...(initContainers.length === 0 ? [] : containerLines('Init Containers', initContainers, [], undefined, '  ')),
    ...containerLines('Containers', listAt(spec, 'containers'), [], undefined, '  '),
    ...volumeLines(listAt(spec, 'volumes'), '  '),
    ...spreadLines(listAt(spec, 'topologySpreadConstraints'), '  '),
    ...optional('Priority Class Name', 'priorityClassName'),
    ...labelLines('  Node-Selectors', mapAt(spec, 'nodeSelector')),
    ...tolerationLines('  Tolerations', listAt(spec, 'tolerations')),
  ]
}
