import type { JsonObject } from '@skiff/machinery'
import { parseDurationMs } from '@skiff/machinery'
import { UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'
import { type Generator, named } from './generator.ts'
import { nameArgument, pairs } from './words.ts'

export const namespace: Generator = {
  usage: 'NAME',
  flags: [],
  object: (invocation) => named('v1', 'Namespace', nameArgument(invocation), { spec: {}, status: {} }),
}
export const serviceAccount: Generator = {
  usage: 'NAME',
  flags: [],
  object: (invocation) => named('v1', 'ServiceAccount', nameArgument(invocation)),
}
export const priorityClass: Generator = {
  usage: 'NAME --value=VALUE --global-default=BOOL',
  flags: ['value:int=0', 'global-default:bool', 'description:string', 'preemption-policy:string=PreemptLowerPriority'],
  object: (invocation) => ({
    ...named('scheduling.k8s.io/v1', 'PriorityClass', nameArgument(invocation)),
    value: invocation.flags.int('value') ?? 0,
    ...(invocation.flags.bool('global-default') ? { globalDefault: true } : {}),
    ...(invocation.flags.text('description') ? { description: invocation.flags.text('description') as string } : {}),
    preemptionPolicy: invocation.flags.text('preemption-policy') ?? 'PreemptLowerPriority',
  }),
}
export const quota: Generator = {
  usage: 'NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2]',
  flags: ['hard:string', 'scopes:string'],
  object: (invocation) => {
    const { flags } = invocation
    const hard = pairs([flags.text('hard') ?? ''], 'resource quota')
    const scopes = (flags.text('scopes') ?? '').split(',').filter((scope) => scope !== '')
    return named('v1', 'ResourceQuota', nameArgument(invocation), {
      spec: { ...(flags.has('hard') ? { hard } : {}), ...(scopes.length > 0 ? { scopes } : {}) },
      status: {},
    })
  },
}

const selectorMap = (text: string): JsonObject => ({ matchLabels: pairs([text], 'selector') })
const countOrPercent = (text: string) => (/^\d+$/.test(text) ? Number(text) : text)

export const podDisruptionBudget: Generator = {
  usage: 'NAME --selector=SELECTOR --min-available=N',
  flags: ['min-available:string', 'max-unavailable:string', 'selector:string'],
  object: (invocation) => {
    const { flags } = invocation
    const [least, most, selector] = [flags.text('min-available'), flags.text('max-unavailable'), flags.text('selector')]
    if (!selector) throw new UsageError('a selector must be specified')
    if (!least && !most) throw new UsageError('one of min-available or max-unavailable must be specified')
    if (least && most) throw new UsageError('min-available and max-unavailable cannot be both specified')
    return named('policy/v1', 'PodDisruptionBudget', nameArgument(invocation), {
      spec: {
        ...(least ? { minAvailable: countOrPercent(least) } : { maxUnavailable: countOrPercent(most as string) }),
        selector: selectorMap(selector),
      },
      status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
    })
  },
}

const ingressRule = (rule: string): { host: string; path: JsonObject; tls: string | undefined } => {
  const match = /^([^/=]*)(\/[^=]*)?=([^:,]+):([^,]+)(?:,tls(?:=(.*))?)?$/.exec(rule)
  if (!match) throw new UsageError(`rule ${rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`)
  const [, host = '', path = '/', service = '', port = '', secret] = match
  const prefix = path.endsWith('*')
  return {
    host,
    tls: rule.includes(',tls') ? (secret ?? '') : undefined,
    path: {
      backend: { service: { name: service, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } },
      path: prefix ? path.slice(0, -1) : path,
      pathType: prefix ? 'Prefix' : 'Exact',
    },
  }
}

export const ingress: Generator = {
  usage: 'NAME --rule=host/path=service:port[,tls[=secret]]',
  flags: ['class:string', 'rule:array', 'annotation:array', 'default-backend:string'],
  object: (invocation) => {
    const { flags } = invocation
    const rules = flags.list('rule').map(ingressRule)
    const backend = flags.text('default-backend')
    if (rules.length === 0 && !backend)
      throw new UsageError(
        'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
      )
    const hosts = [...new Set(rules.map(({ host }) => host))]
    const tls = rules.filter((rule) => rule.tls !== undefined)
    const [service = '', port = ''] = (backend ?? '').split(':')
    const made: unknown = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name: nameArgument(invocation),
        ...(flags.has('annotation') ? { annotations: pairs(flags.list('annotation'), 'annotation') } : {}),
      },
      spec: {
        ...(flags.text('class') ? { ingressClassName: flags.text('class') as string } : {}),
        ...(backend
          ? { defaultBackend: { service: { name: service, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } } }
          : {}),
        ...(tls.length > 0
          ? { tls: tls.map(({ host, tls: secret }) => ({ ...(host ? { hosts: [host] } : {}), ...(secret ? { secretName: secret } : {}) })) }
          : {}),
        ...(rules.length > 0
          ? {
              rules: hosts.map((host) => ({
                ...(host ? { host } : {}),
                http: { paths: rules.filter((rule) => rule.host === host).map(({ path }) => path) },
              })),
            }
          : {}),
      },
      status: { loadBalancer: {} },
    }
    return made as JsonObject
  },
}

/** The body of a token request; `create token` sends it to the account's subresource. */
export const tokenRequest = ({ flags }: Invocation): JsonObject => {
  const seconds = flags.text('duration') ? Math.floor(parseDurationMs(flags.text('duration') as string) / 1000) : undefined
  const [kind, name, uid] = [flags.text('bound-object-kind'), flags.text('bound-object-name'), flags.text('bound-object-uid')]
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: [...flags.list('audience')],
      ...(seconds ? { expirationSeconds: seconds } : {}),
      ...(kind && name ? { boundObjectRef: { kind, apiVersion: 'v1', name, ...(uid ? { uid } : {}) } } : {}),
    },
  }
}
