import { forbiddenField, nameIsDnsSubdomain, quoted, required, tooLong } from '@skiff/machinery'
import { addInvalid, collect, type Faults, immutableText, invalidShown, same } from '../checks/faults.ts'
import { goPointer } from '../checks/go-syntax.ts'
import { sharedSources } from '../core/volume-sources.ts'
import { volumeAttachment as volumeAttachmentResource } from '../generated/resources.ts'
import type { VolumeAttachment, VolumeAttachmentSource } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const mostMetadataBytes = 256 * 1024
const mostMessageBytes = 1024

const checkSource = (faults: Faults, { persistentVolumeName: name, inlineVolumeSpec: inline }: VolumeAttachmentSource): void => {
  const path = 'spec.source'
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (name === undefined && inline === undefined) faults.push(required(path, one))
  else if (name !== undefined && inline !== undefined) faults.push(forbiddenField(path, one))
  else if (name === '') faults.push(required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName'))
}

const checkAttachment = (faults: Faults, { spec, status }: VolumeAttachment): void => {
  const { attacher = '', source = {}, nodeName = '' } = spec
  if (attacher === '') faults.push(required('spec.attacher'))
  checkSource(faults, source)
  addInvalid(faults, nameIsDnsSubdomain(nodeName, false), nodeName, 'spec.nodeName')
  const bytes = Object.entries(status?.attachmentMetadata ?? {}).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  if (bytes > mostMetadataBytes) faults.push(tooLong('status.attachmentMetadata', '', mostMetadataBytes))
  for (const field of ['attachError', 'detachError'] as const)
    if ((status?.[field]?.message ?? '').length > mostMessageBytes) faults.push(tooLong(`status.${field}.message`, '', mostMetadataBytes))
}

const goSpec = ({ attacher = '', source, nodeName = '' }: VolumeAttachment['spec']): string => {
  const name = goPointer('string', source?.persistentVolumeName)
  const inline = goPointer('core.PersistentVolumeSpec', source?.inlineVolumeSpec)
  return `storage.VolumeAttachmentSpec{Attacher:${quoted(attacher)}, Source:storage.VolumeAttachmentSource{PersistentVolumeName:${name}, InlineVolumeSpec:${inline}}, NodeName:${quoted(nodeName)}}`
}

export const volumeAttachment = defineKind<VolumeAttachment>(volumeAttachmentResource, {
  generation: false,
  requireResourceVersion: true,
  validate: (next) =>
    collect((faults) => {
      checkAttachment(faults, next)
      sharedSources.driverName(faults, next.spec.attacher ?? '', 'spec.attacher')
      const name = next.spec.source?.persistentVolumeName
      if (name !== undefined) addInvalid(faults, nameIsDnsSubdomain(name, false), name, 'spec.source.persistentVolumeName')
    }),
  validateUpdate: (next, old) =>
    collect((faults) => {
      // Upstream looks twice, and at the names only when it is made.
      checkAttachment(faults, next)
      checkAttachment(faults, next)
      if (!same(next.spec, old.spec)) faults.push(invalidShown('spec', goSpec(next.spec), immutableText))
    }),
  // Neither is checked nor changes anything but the status.
  ignoredFields: { status: ['spec', 'metadata'] },
  subresources: { status: { prepareForUpdate: (next, old) => ({ ...old, status: next.status as typeof old.status }) } },
})
