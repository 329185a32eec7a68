import { forbiddenField, quoted } from '@skiff/machinery'
import { differences } from '../../checks/diff.ts'
import { type Faults, same } from '../../checks/faults.ts'
import type { Pod } from '../../generated/types.ts'
import { checkAnnotationUpdates, mirrorAnnotation } from './annotations.ts'
import { checkPod, withSpec } from './pod.ts'

/** Of what is sent to `ephemeralcontainers`, those alone count. */
export const prepareEphemeral = (next: Pod, old: Pod): Pod => {
  const { ephemeralContainers } = next.spec
  const { ephemeralContainers: _, ...rest } = old.spec
  return withSpec(next, old, { ...rest, ...(ephemeralContainers ? { ephemeralContainers } : {}) })
}

/** They come, and never change or go. */
export const checkEphemeralUpdate = (faults: Faults, next: Pod, old: Pod): void => {
  if (Object.hasOwn(old.metadata.annotations ?? {}, mirrorAnnotation)) {
    faults.push(forbiddenField('', 'static pods do not support ephemeral containers'))
    return
  }
  checkPod(faults, next)
  checkAnnotationUpdates(faults, next.metadata.annotations ?? {}, old.metadata.annotations ?? {}, 'metadata.annotations')
  const path = 'spec.ephemeralContainers'
  for (const before of old.spec.ephemeralContainers ?? []) {
    const after = next.spec.ephemeralContainers?.find((container) => container.name === before.name)
    if (after === undefined) faults.push(forbiddenField(path, `existing ephemeral containers ${quoted(before.name)} may not be removed\n`))
    else if (!same(after, before))
      faults.push(
        forbiddenField(path, `existing ephemeral containers ${quoted(before.name)} may not be changed\n${differences(before, after)}`),
      )
  }
}
