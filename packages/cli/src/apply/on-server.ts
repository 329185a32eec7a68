import { isRefusal } from '@skiff/machinery'
import { errorText } from '../error-text.ts'
import { type Dynamic, textAt } from '../objects/fields.ts'
import { type Info, targetOf } from '../objects/info.ts'
import { isAnnotationApplied, planHandOver } from '../objects/managed-fields.ts'
import { dryRunOf, writeQuery } from '../objects/writing.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'

const conflictAdvice = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`

const applier = 'kubectl'
const annotationKey = 'kubectl.kubernetes.io/last-applied-configuration'
/** Owns the annotation of objects that were applied from the client once, so that it stays. */
const annotationOwner = 'kubectl-last-applied'
const handOverTries = 5

/** Applies on the server. What was applied from the client before becomes the applier's. */
export const applyOnServer = async (invocation: Invocation, info: Info): Promise<Dynamic> => {
  const { session, flags } = invocation
  const object = await send(invocation, info).catch((error) => {
    if (isRefusal(error, 409)) throw new UsageError(`${error.message}\n${conflictAdvice}`)
    if (isRefusal(error, 415)) throw new UsageError(`Server-side apply not available on the server: (${error.message})`)
    throw error
  })
  if (dryRunOf(flags) !== 'none') return object
  // The object was applied already: from here on errors are warnings.
  const kept = await keepAnnotation(invocation, info, object).catch((error) => {
    session.complain(
      `Warning: failed to migrate kubectl.kubernetes.io/last-applied-configuration for Server-Side Apply. This is non-fatal and will be retried next time you apply. Error: ${errorText(error)}`,
    )
  })
  if (!kept) return object
  try {
    return (await handOver(invocation, info, kept)) ? await send(invocation, info) : kept
  } catch (error) {
    session.complain(
      `Warning: failed to re-apply configuration after performing Server-Side Apply migration. This is non-fatal and will be retried next time you apply. Error: ${errorText(error)}`,
    )
    return kept
  }
}

const send = async ({ session, flags }: Invocation, info: Info): Promise<Dynamic> => {
  const { client } = await session.connect()
  const query = { ...writeQuery(flags, applier), force: String(flags.bool('force-conflicts')) }
  return (await client.patch(info.resource, targetOf(info), 'apply', info.object, { query })) as Dynamic
}

/** Under a manager of the user's own nobody would keep the annotation up to date, so it goes. */
const keepAnnotation = async ({ session, flags }: Invocation, info: Info, object: Dynamic): Promise<Dynamic> => {
  const annotation = textAt(object, ['metadata', 'annotations', annotationKey])
  if ((flags.text('field-manager') || applier) !== applier || annotation === '' || isAnnotationApplied(object)) return object
  const { client } = await session.connect()
  const { apiVersion, kind } = info.resource
  const alone = { apiVersion, kind, metadata: { ...targetOf(info), annotations: { [annotationKey]: annotation } } }
  return (await client.patch(info.resource, targetOf(info), 'apply', alone, { query: { fieldManager: annotationOwner } })) as Dynamic
}

/** Says whether there was something to hand over. */
const handOver = async ({ session, flags }: Invocation, info: Info, seen: Dynamic): Promise<boolean> => {
  const { client } = await session.connect()
  const manager = flags.text('field-manager') || applier
  let object = seen
  for (let left = handOverTries; ; left--) {
    const patch = planHandOver(object, manager)
    if (!patch) return false
    try {
      await client.patch(info.resource, targetOf(info), 'json', patch, { query: { fieldManager: manager } })
      return true
    } catch (error) {
      if (!isRefusal(error, 409) || left === 1) throw error
      object = (await client.get(info.resource, targetOf(info))) as Dynamic
    }
  }
}
