import { createHmac } from 'node:crypto'
import type { ConfigMap, Secret } from '@skiff/api'
import { configMap as configMaps, secret as secrets } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isRefusal } from '@skiff/machinery'
import { type Controller, watching } from '../runner/controller.ts'
import { requeue, type Steps, update } from '../runner/step.ts'
import { same } from '../same.ts'
import { expiresAtMs, isBootstrapToken, signingToken } from './tokens.ts'

const infoKey = 'kube-public/cluster-info'
const prefix = 'jws-kubeconfig-'

/** A JSON Web Signature without the content that it signs. */
export const detachedSignature = (content: string, id: string, key: string): string => {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url')
  const payload = Buffer.from(content).toString('base64url')
  return `${header}..${createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url')}`
}

/** Signs kube-public/cluster-info with every bootstrap token, so that who joins with one can tell that it is this cluster's. */
export const planSignatures = (views: Views, nowMs: number): Steps => {
  const info: ConfigMap | undefined = views.view(configMaps).get(infoKey)
  const content = info?.data && Object.hasOwn(info.data, 'kubeconfig') ? info.data.kubeconfig : undefined
  if (!info || content === undefined) return []
  const tokens = [...views.view(secrets).list('kube-system')].filter(isBootstrapToken)
  const signatures = tokens.flatMap((secret) => {
    const token = signingToken(secret, nowMs)
    return token ? [[`${prefix}${token[0]}`, detachedSignature(content, ...token)] as const] : []
  })
  const rest = Object.entries(info.data ?? {}).filter(([key]) => !key.startsWith(prefix))
  const data = Object.fromEntries([...rest, ...signatures])
  const dueMs = Math.min(...tokens.map((secret) => (expiresAtMs(secret) ?? 0) - nowMs).filter((ms) => ms > 0))
  return [
    ...(Number.isFinite(dueMs) ? [requeue(dueMs)] : []),
    // Upstream leaves one that changed meanwhile, or went, to the next look.
    ...(same(info.data, data)
      ? []
      : [update(configMaps, { ...info, data }, { failed: (error) => (isRefusal(error, 404) ? [] : undefined) })]),
  ]
}

export const bootstrapSignerController = (): Controller => ({
  name: 'bootstrap-signer-controller',
  account: 'bootstrap-signer',
  component: 'bootstrap-signer',
  watches: () => [
    watching<ConfigMap>({ resource: configMaps, keys: ({ key }) => (key === infoKey ? [infoKey] : []) }),
    watching<Secret>({
      resource: secrets,
      keys: ({ before, after }) => ([before, after].some((secret) => secret && isBootstrapToken(secret)) ? [infoKey] : []),
    }),
  ],
  plan: (_key, views, nowMs) => planSignatures(views, nowMs),
})
