import { type ConfigMap, configMap as configMaps } from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, isRefusal, rfc3339 } from '@skiff/machinery'

const where = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' }
// Upstream makes it anew no more often than this.
const intervalMs = 30 * 60_000

/**
 * Says in kube-system since which day the use of tokens of Secrets is tracked: who cleans them up must not take one for unused before.
 * Resolves when it is said; said again when somebody deletes it.
 */
export const keepTokenTracking = async (client: Client, env: Env): Promise<{ stop(): void }> => {
  const stopping = new AbortController()
  await look(client, env)
  const loop = async (): Promise<void> => {
    for (;;) {
      await env.sleep(intervalMs, stopping.signal)
      if (stopping.signal.aborted) return
      await look(client, env).catch((error: unknown) => env.log.warn('tracking of tokens is not told of', { error: String(error) }))
    }
  }
  void loop()
  return { stop: () => stopping.abort() }
}

const look = async (client: Client, env: Env): Promise<void> => {
  const since = rfc3339(env.now()).slice(0, 10)
  try {
    const held = await found(client)
    if (!held) await client.create(configMaps, { metadata: where, data: { since } })
    else if (!isDay(held.data?.since)) await client.update(configMaps, { ...held, data: { ...held.data, since } })
  } catch (error) {
    // Another server was faster.
    if (!isRefusal(error, 409) && !isRefusal(error, 404)) throw error
  }
}

const found = async (client: Client): Promise<ConfigMap | undefined> => {
  try {
    return await client.get(configMaps, where)
  } catch (error) {
    if (isRefusal(error, 404)) return undefined
    throw error
  }
}

const isDay = (text = ''): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))
