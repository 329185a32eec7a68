import { type JsonObject, sortedKeys } from '@skiff/machinery'
import { at, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { annotationLines, labelLines, line, listText, nameLines, optionalLine, quantityText } from './lines.ts'
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

/** A claim at a time, or, without one, the claim template of a volume, which has neither name nor state. */
export const claimLines = (claim: JsonObject, nowMs: number | undefined, nest = ''): string[] => {
  const bound = textAt(claim, 'spec.volumeName')
  const source = mapAt(claim, 'spec.dataSource')
  const rows = (...texts: readonly string[]): string[] => texts.map((text) => nest + text)
  return [
    ...(nowMs === undefined ? [] : nameLines(claim)),
    ...rows(`StorageClass:\t${storageClassOf(claim)}`),
    ...(nowMs === undefined ? [] : [`Status:\t${terminatingText(claim, nowMs) ?? textAt(claim, 'status.phase')}`]),
    ...rows(`Volume:\t${bound}`),
    ...labelLines('Labels', mapAt(claim, 'metadata.labels'), nest),
    ...annotationLines('Annotations', mapAt(claim, 'metadata.annotations'), nest),
    ...(nowMs === undefined ? [] : [`Finalizers:\t${listText(textsAt(claim, 'metadata.finalizers'))}`]),
    ...rows(`Capacity:\t${bound === '' ? '' : quantityText(at(claim, 'status.capacity.storage'))}`),
    ...rows(`Access Modes:\t${bound === '' ? '' : accessModesText(textsAt(claim, 'status.accessModes'))}`),
    ...optionalLine('VolumeMode', at(claim, 'spec.volumeMode')).map((each) => nest + each),
    ...(at(claim, 'spec.dataSource') === undefined
      ? []
      : rows(
          'DataSource:',
          ...optionalLine('APIGroup', source.apiGroup, 1),
          line(1, `Kind:\t${textAt(source, 'kind')}`),
          line(1, `Name:\t${textAt(source, 'name')}`),
        )),
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
