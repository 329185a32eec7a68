import { type Secret, type ServiceAccount, secret as secrets } from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, rfc3339 } from '@skiff/machinery'

const lastUsedLabel = 'kubernetes.io/legacy-token-last-used'
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since'
const dayMs = 24 * 3600 * 1000

/** Tokens that Secrets hold, which have no end: the day of their last use is a label of the Secret, by which unused ones are found. */
export interface LegacyTokens {
  /** The token of this Secret is used. Answers why it may not be; undefined where it may. */
  use(secret: Secret, account: string): string | undefined
}

/** What the user of a token is warned of that was made unasked: its account names the Secret. */
export const warningFor = (account: ServiceAccount, secretName: string): string | undefined =>
  account.secrets?.some(({ name }) => name === secretName)
    ? 'Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.'
    : undefined

export const createLegacyTokens = (client: () => Client, env: Env): LegacyTokens => {
  const day = (ms: number): string => rfc3339(ms).slice(0, 10)
  /** What this server said today already, by uid: a Secret is written once a day, however often its token is used. */
  const said = { day: '', uids: new Set<string>() }
  const note = ({ metadata }: Secret): void => {
    const today = day(env.now())
    const held = metadata.labels?.[lastUsedLabel]
    // Tomorrow's: of a server whose clock is ahead.
    if (held === today || held === day(env.now() + dayMs)) return
    if (said.day !== today) Object.assign(said, { day: today, uids: new Set() })
    const { uid, namespace = '', name } = metadata
    if (said.uids.has(uid)) return
    said.uids.add(uid)
    const patch = { metadata: { uid, labels: { [lastUsedLabel]: today } } }
    client()
      .patch(secrets, { namespace, name }, 'merge', patch)
      .catch((error: unknown) => {
        said.uids.delete(uid)
        env.log.warn('the use of a token was not noted', { secret: `${namespace}/${name}`, error: String(error) })
      })
  }
  return {
    use: (secret, account) => {
      note(secret)
      const { labels, namespace, name } = secret.metadata
      if (!labels?.[invalidSinceLabel]) return undefined
      return `the token in secret ${namespace}/${name} for service account ${namespace}/${account} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`
    },
  }
}
