import type { Pod } from '@skiff/api'
import {
  badRequest,
  type KubeObject,
  nameIsPathSegment,
  notFound,
  notSupported,
  Refusal,
  required,
  rfc3339,
  summariseErrors,
} from '@skiff/machinery'
import type { Part } from '../handler.ts'
import { replyValue } from '../represent/represent.ts'
import { decodeBody } from '../rest/body.ts'
import type { Request, Rest } from '../rest/context.ts'
import { writeOptions } from '../rest/options.ts'
import { checkUid, writeOver } from '../rest/update.ts'
import { admitPart } from './admit.ts'

const success = (code: number) => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code })

interface Binding extends KubeObject {
  readonly target: { readonly kind?: string; readonly name?: string }
}

/** The write of a scheduler: names the pod's node and sets PodScheduled, with no regard to what other fields say. */
const bind = async (rest: Rest, request: Request, binding: Binding): Promise<void> => {
  const { call } = request
  const { target } = binding
  const errors = []
  if (target?.kind && target.kind !== 'Node') errors.push(notSupported('target.kind', target.kind, ['Node', '<empty>']))
  if (!target?.name) errors.push(required('target.name', ''))
  // Upstream hands these out as plain errors.
  if (errors.length > 0) throw new Refusal(500, '', summariseErrors(errors))
  await admitPart(rest, request, 'create', { ...binding, kind: 'Binding' })
  if (!call.name) throw badRequest('Name parameter required.')
  const faults = nameIsPathSegment(call.name, false)
  if (faults.length > 0) throw badRequest(`Name parameter invalid: ${JSON.stringify(call.name)}: ${faults.join(';')}`)
  const node = target.name as string
  const kind = rest.registry.find('', 'v1', 'pods')
  if (!kind) throw notFound({ group: '', resource: 'pods' }, call.name ?? '')
  await writeOver(
    rest,
    { ...request, kind, prepared: true, call: { ...call, resource: 'pods', verb: 'update', subresource: 'binding' } },
    async (current) => {
      const pod = current as Pod
      checkUid(kind, binding, pod)
      if (pod.metadata.deletionTimestamp)
        throw new Refusal(
          409,
          'Conflict',
          `Operation cannot be fulfilled on pods/binding ${JSON.stringify(pod.metadata.name)}: pod ${pod.metadata.name} is being deleted, cannot be assigned to a host`,
          { name: pod.metadata.name, kind: 'pods/binding' },
        )
      if (pod.spec.nodeName)
        throw new Refusal(
          409,
          'Conflict',
          `Operation cannot be fulfilled on pods/binding ${JSON.stringify(pod.metadata.name)}: pod ${pod.metadata.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`,
          { name: pod.metadata.name, kind: 'pods/binding' },
        )
      return bound(pod, node, binding, rfc3339(rest.env.now()))
    },
    false,
  )
}

const bound = (pod: Pod, nodeName: string, binding: Binding, now: string): Pod => {
  const others = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled')
  const scheduled = { type: 'PodScheduled', status: 'True' as const, lastProbeTime: null as unknown as string, lastTransitionTime: now }
  const annotations = binding.metadata?.annotations
  return {
    ...pod,
    ...(annotations ? { metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } } } : {}),
    spec: { ...pod.spec, nodeName },
    status: { ...pod.status, conditions: [...others, scheduled] },
  } as Pod
}

/** POST pods/NAME/binding. */
export const podBinding: Part = async ({ rest }, request) => {
  const { kind, call } = request
  const options = writeOptions(call, 'CreateOptions')
  const bindingKind = rest.registry.find('', 'v1', 'bindings') ?? kind
  const binding = decodeBody(bindingKind, call.body, options.validation, request.warnings) as Binding
  if (binding.metadata.name !== call.name) throw badRequest(`name in URL does not match name in Binding object`)
  await bind(rest, { ...request, dryRun: options.dryRun }, binding)
  return replyValue(call, success(201), 201)
}

/** POST bindings: the old form, where the object names the pod. */
export const bindings: Part = async ({ rest }, request) => {
  const { call } = request
  const options = writeOptions(call, 'CreateOptions')
  const binding = decodeBody(request.kind, call.body, options.validation, request.warnings) as Binding
  const name = binding.metadata?.name ?? ''
  await bind(rest, { ...request, dryRun: options.dryRun, call: { ...call, name } }, binding)
  return replyValue(call, success(201), 201)
}
