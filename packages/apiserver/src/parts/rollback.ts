import { badRequest, type KubeObject } from '@skiff/machinery'
import type { Part } from '../handler.ts'
import { notFoundHere } from '../not-found.ts'
import { replyValue } from '../represent/represent.ts'
import { parseBody } from '../rest/body.ts'
import { methodNotAllowed, type Request } from '../rest/context.ts'
import { writeOptions } from '../rest/options.ts'
import { writeOver } from '../rest/update.ts'

interface DeploymentRollback {
  readonly kind?: string
  readonly name?: string
  readonly updatedAnnotations?: Readonly<Record<string, string>>
  readonly rollbackTo?: { readonly revision?: number }
}
type Deployment = KubeObject & { readonly spec: Readonly<Record<string, unknown>> }

/** POST deployments/NAME/rollback of removed versions: asks the controller to bring the template of an older revision back. */
export const deploymentRollback: Part = async ({ rest }, request) => {
  const { call, kind } = request
  if (!kind.subresources.some(({ name }) => name === 'rollback')) throw notFoundHere()
  if (call.verb !== 'create') throw methodNotAllowed()
  const options = writeOptions(call, 'CreateOptions')
  const asked = rollbackIn(request)
  if ((asked.name ?? '') !== call.name) throw badRequest('name in URL does not match name in DeploymentRollback object')
  const { subresource: _, ...plain } = call
  const { revision = 0 } = asked.rollbackTo ?? {}
  await writeOver(
    rest,
    { ...request, dryRun: options.dryRun, fieldManager: options.fieldManager, call: { ...plain, verb: 'update' } },
    async (current) => {
      const { metadata, spec, ...deployment } = current as Deployment
      const annotations = { ...metadata.annotations, ...asked.updatedAnnotations }
      return { ...deployment, metadata: { ...metadata, annotations }, spec: { ...spec, rollbackTo: { revision } } } as KubeObject
    },
    false,
  )
  const message = `rollback request for deployment ${JSON.stringify(call.name)} succeeded`
  return replyValue(call, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', message, code: 200 })
}

const rollbackIn = ({ call, kind }: Request): DeploymentRollback => {
  const { body } = call
  if (!body || 'stream' in body) throw badRequest('a DeploymentRollback object is required')
  let value: unknown
  try {
    value = parseBody(body, { apiVersion: kind.apiVersion, kind: 'DeploymentRollback' }).value
  } catch (error) {
    if (error instanceof Error && error.name === 'Refusal') throw error
    throw badRequest(`couldn't get version/kind; json parse error: ${(error as Error).message}`)
  }
  const asked = (value ?? {}) as DeploymentRollback
  if (typeof asked !== 'object' || (asked.kind ?? 'DeploymentRollback') !== 'DeploymentRollback')
    throw badRequest(`${asked.kind ?? typeof value} in version ${JSON.stringify(kind.version)} cannot be handled as a DeploymentRollback`)
  return asked
}
