import { type JsonObject, sortedKeys } from '@skiff/machinery'
import { at, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { annotationLines, labelLines, line } from './lines.ts'
import { terminatingText } from './times.ts'

const modeNames: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

/** Access modes in their short form, in kubectl's order. */
export const accessModesText = (modes: readonly string[]): string =>
  Object.entries(modeNames)
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(',')

/** The class of a claim or volume; the old annotation goes first. */
export const storageClassOf = (object: JsonObject): string =>
  textAt(object, ['metadata', 'annotations', 'volume.beta.kubernetes.io/storage-class']) || textAt(object, 'spec.storageClassName')

/** A claim, or the claim template of a volume, which has neither name nor state. */
export const claimLines = (claim: JsonObject, whole: boolean, nowMs: number): string[] => {
  const bound = textAt(claim, 'spec.volumeName')
  const source = mapAt(claim, 'spec.dataSource')
  return [
    ...(whole ? [`Name:\t${textAt(claim, 'metadata.name')}`, `Namespace:\t${textAt(claim, 'metadata.namespace')}`] : []),
    `StorageClass:\t${storageClassOf(claim)}`,
    ...(whole ? [`Status:\t${terminatingText(claim, nowMs) ?? textAt(claim, 'status.phase')}`] : []),
    `Volume:\t${bound}`,
    ...labelLines('Labels', mapAt(claim, 'metadata.labels')),
    ...annotationLines('Annotations', mapAt(claim, 'metadata.annotations')),
    ...(whole ? [`Finalizers:\t[${textsAt(claim, 'metadata.finalizers').join(' ')}]`] : []),
    `Capacity:\t${bound === '' ? '' : textAt(claim, 'status.capacity.storage') || '0'}`,
    `Access Modes:\t${bound === '' ? '' : accessModesText(textsAt(claim, 'status.accessModes'))}`,
    ...(at(claim, 'spec.volumeMode') === undefined ? [] : [`VolumeMode:\t${textAt(claim, 'spec.volumeMode')}`]),
    ...(at(claim, 'spec.dataSource') === undefined
      ? []
      : [
          'DataSource:',
          ...(source.apiGroup === undefined ? [] : [line(1, `APIGroup:\t${source.apiGroup}`)]),
          line(1, `Kind:\t${textAt(source, 'kind')}`),
          line(1, `Name:\t${textAt(source, 'name')}`),
        ]),
  ]
}

const indentedLabels = (title: string, labels: JsonObject): string[] => {
  const keys = sortedKeys(labels)
  if (keys.length === 0) return [`  ${title}:\t<none>`]
  return keys.map((key, i) => `${i === 0 ? `  ${title}:\t` : '  \t'}${key}=${labels[key]}`)
}

/** The claim templates of a stateful set. */
export const claimTemplateLines = (set: JsonObject): string[] => {
  const templates = listAt(set, 'spec.volumeClaimTemplates')
  if (templates.length === 0) return ['Volume Claims:\t<none>']
  return [
    'Volume Claims:',
    ...templates.flatMap((claim) => [
      line(1, `Name:\t${textAt(claim, 'metadata.name')}`),
      line(1, `StorageClass:\t${storageClassOf(claim)}`),
      ...indentedLabels('Labels', mapAt(claim, 'metadata.labels')),
      ...indentedLabels('Annotations', mapAt(claim, 'metadata.annotations')),
      line(1, `Capacity:\t${textAt(claim, 'spec.resources.requests.storage') || '<default>'}`),
      line(1, `Access Modes:\t[${textsAt(claim, 'spec.accessModes').join(' ')}]`),
    ]),
  ]
}
