import { serviceAccount as serviceAccountResource } from '@skiff/api'
import { isRefusal, type JsonObject, type KubeObject } from '@skiff/machinery'
import { withSource } from '../error-text.ts'
import { configMap, dockerSecret, genericSecret, tlsSecret } from '../generators/data.ts'
import type { Generator } from '../generators/generator.ts'
import { ingress, namespace, podDisruptionBudget, priorityClass, quota, serviceAccount, tokenRequest } from '../generators/plain.ts'
import { clusterRole, clusterRoleBinding, role, roleBinding } from '../generators/rbac.ts'
import { clusterIp, externalName, loadBalancer, nodePort } from '../generators/service.ts'
import { nameArgument } from '../generators/words.ts'
import { cronJob, deployment, job } from '../generators/workloads.ts'
import { at, type Dynamic, textAt, withAt } from '../objects/fields.ts'
import type { Info } from '../objects/info.ts'
import { withLastApplied } from '../objects/last-applied.ts'
import { readInfos } from '../objects/manifests.ts'
import { fileFlags, selectedBy } from '../objects/select.ts'
import { dryRunOf, report, writeFlags, writeQuery } from '../objects/writing.ts'
import { forEachKept, UsageError } from '../usage-error.ts'
import type { Invocation, Verb, VerbGroup } from '../verb.ts'

const manager = 'kubectl-create'
const targetIn = ({ resource, namespace }: Info) => (resource.namespaced ? { namespace } : undefined)

/** Sends a new object, unless it is only tried, and tells of it. */
export const createObject = async ({ session, flags }: Invocation, info: Info, by = manager): Promise<Dynamic> => {
  const { client } = await session.connect()
  const object = (flags.bool('save-config') ? withLastApplied(info.object as JsonObject) : info.object) as Dynamic
  const made =
    dryRunOf(flags) === 'client'
      ? object
      : ((await client.create(info.resource, object as KubeObject, targetIn(info), { query: writeQuery(flags, by) })) as Dynamic)
  report(session, flags, info, made, 'created')
  return made
}

const fromFiles: Verb = {
  usage: '-f FILENAME',
  flags: [...fileFlags, ...writeFlags, 'selector|l:string', 'edit:bool', 'raw:string', 'windows-line-endings:bool'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const files = flags.list('filename')
    if (files.length === 0 && args.length > 0)
      throw new UsageError(`Unexpected args: [${args.join(' ')}]\nSee 'kubectl create -h' for help and examples`)
    if (files.length === 0) throw new UsageError('must specify one of -f and -k')
    const infos = selectedBy(flags, await readInfos(session, files, { recursive: flags.bool('recursive') }))
    if (infos.length === 0) throw new UsageError('no objects passed to create')
    await forEachKept(infos, async (info) => {
      await createObject(invocation, info).catch((error) => {
        throw withSource(error, `error when creating ${JSON.stringify(info.source)}`)
      })
    })
    return 0
  },
}

/** Where a generated object goes. As kubectl's, it has empty creation times, and its namespace only where one was asked for. */
export const placeGenerated = async ({ session }: Pick<Invocation, 'session'>, object: JsonObject): Promise<Info> => {
  const { namespace: here } = await session.connect()
  const resource = (await session.mapping()).kind(textAt(object, 'apiVersion'), textAt(object, 'kind'))
  const asked = resource.namespaced && session.connection.namespace !== undefined
  const placed = asked ? withAt(object, 'metadata.namespace', here) : object
  const timed = ['metadata', 'spec.template.metadata', 'spec.jobTemplate.metadata', 'spec.jobTemplate.spec.template.metadata']
    .filter((path) => at(placed, path) !== undefined)
    .reduce((each, path) => withAt(each, `${path}.creationTimestamp`, null), placed)
  return {
    resource,
    namespace: resource.namespaced ? here : '',
    name: textAt(object, 'metadata.name'),
    object: timed as Dynamic,
    typed: true,
  }
}

/** How kubectl's generators tell of refusals: most as errors of their own, namespaces and the like as the server's. */
const generatorError = (error: unknown, kind: string): unknown => {
  if (!isRefusal(error) || bare.has(kind)) return error
  return new UsageError(`failed to create ${failing[kind] ?? kind.toLowerCase()}: ${error.message}`)
}
const bare = new Set(['Namespace', 'Role', 'ClusterRole'])
const failing: Readonly<Record<string, string>> = { ResourceQuota: 'quota', Service: 'ClusterIP service' }

const generated = (generator: Generator): Verb => ({
  usage: generator.usage,
  flags: [...generator.flags, ...writeFlags],
  ...(generator.required ? { required: generator.required } : {}),
  run: async (invocation) => {
    nameArgument({ ...invocation, args: invocation.args.slice(0, invocation.dashAt ?? invocation.args.length) })
    const info = await placeGenerated(invocation, await generator.object(invocation))
    await createObject(invocation, info).catch((error) => {
      throw generatorError(error, info.resource.kind)
    })
    return 0
  },
})

const token: Verb = {
  usage: 'SERVICE_ACCOUNT_NAME',
  flags: [
    'audience:array',
    'duration:duration',
    'bound-object-kind:string',
    'bound-object-name:string',
    'bound-object-uid:string',
    'output|o:string',
  ],
  run: async (invocation) => {
    const { session } = invocation
    const { client, namespace: here } = await session.connect()
    const target = { namespace: here, name: nameArgument(invocation), subresource: 'token' }
    const made = await client.create(serviceAccountResource, tokenRequest(invocation) as never, target)
    session.say(textAt(made as unknown as JsonObject, 'status.token'))
    return 0
  },
}

export const create: VerbGroup = {
  alone: fromFiles,
  aliases: {
    ns: 'namespace',
    cm: 'configmap',
    deploy: 'deployment',
    sa: 'serviceaccount',
    cj: 'cronjob',
    svc: 'service',
    pc: 'priorityclass',
    pdb: 'poddisruptionbudget',
    ing: 'ingress',
    resourcequota: 'quota',
  },
  parts: {
    namespace: generated(namespace),
    configmap: generated(configMap),
    secret: { parts: { generic: generated(genericSecret), tls: generated(tlsSecret), 'docker-registry': generated(dockerSecret) } },
    deployment: generated(deployment),
    serviceaccount: generated(serviceAccount),
    role: generated(role),
    rolebinding: generated(roleBinding),
    clusterrole: generated(clusterRole),
    clusterrolebinding: generated(clusterRoleBinding),
    job: generated(job),
    cronjob: generated(cronJob),
    service: {
      parts: {
        clusterip: generated(clusterIp),
        nodeport: generated(nodePort),
        loadbalancer: generated(loadBalancer),
        externalname: generated(externalName),
      },
    },
    token,
    quota: generated(quota),
    priorityclass: generated(priorityClass),
    poddisruptionbudget: generated(podDisruptionBudget),
    ingress: generated(ingress),
  },
}
