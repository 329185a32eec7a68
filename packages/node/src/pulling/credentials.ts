import type { Secret } from '@skiff/api'
import type { ImageAuth } from '../runtimes/runtime.ts'
import { repositoryOf } from './reference.ts'

interface DockerEntry {
  readonly username?: string
  readonly password?: string
  readonly auth?: string
  readonly identitytoken?: string
  readonly registrytoken?: string
}

/** Credentials for an image out of pull secrets, the most specific first. Secrets that cannot be read are passed over. */
export const credentialsFor = (image: string, secrets: readonly Secret[]): ImageAuth[] => {
  const repository = repositoryOf(image)
  return secrets
    .flatMap((secret) => Object.entries(entriesOf(secret)))
    .map(([registry, entry]) => ({ path: normalised(registry), entry }))
    .filter(({ path }) => covers(path, repository))
    .sort((a, b) => b.path.length - a.path.length)
    .map(({ entry }) => authOf(entry))
}

const entriesOf = (secret: Secret): Record<string, DockerEntry> => {
  const read = (key: string): unknown => {
    const text = secret.data?.[key]
    if (text === undefined) return undefined
    try {
      return JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
    } catch {
      return undefined
    }
  }
  if (secret.type === 'kubernetes.io/dockercfg') return (read('.dockercfg') ?? {}) as Record<string, DockerEntry>
  return ((read('.dockerconfigjson') as { auths?: Record<string, DockerEntry> } | undefined)?.auths ?? {}) as Record<string, DockerEntry>
}

const authOf = (entry: DockerEntry): ImageAuth => {
  const [name, ...rest] = entry.auth === undefined ? [] : Buffer.from(entry.auth, 'base64').toString('utf8').split(':')
  const username = entry.username ?? name
  const password = entry.password ?? (entry.auth === undefined ? undefined : rest.join(':'))
  return {
    ...(username !== undefined ? { username } : {}),
    ...(password !== undefined ? { password } : {}),
    ...(entry.identitytoken !== undefined ? { identityToken: entry.identitytoken } : {}),
    ...(entry.registrytoken !== undefined ? { registryToken: entry.registrytoken } : {}),
  }
}

/** `https://index.docker.io/v1/` and `docker.io` are the same place. */
const normalised = (registry: string): string => {
  const path = registry
    .replace(/^https?:\/\//, '')
    .replace(/\/(v1|v2)\/?$/, '')
    .replace(/\/$/, '')
  return path === 'index.docker.io' || path === 'registry-1.docker.io' ? 'docker.io' : path
}

/** A host may hold `*` within its labels; a path covers everything below it. */
const covers = (path: string, repository: string): boolean => {
  const [host = '', ...rest] = path.split('/')
  const [imageHost = '', ...imageRest] = repository.split('/')
  const labels = host.split('.')
  const imageLabels = imageHost.split('.')
  if (labels.length !== imageLabels.length) return false
  const hostMatches = labels.every((label, index) => matchesGlob(label, imageLabels[index] as string))
  return hostMatches && rest.every((part, index) => part === imageRest[index])
}

/** Only `*` means something; linear, since the parts between them are searched from left to right. */
const matchesGlob = (glob: string, text: string): boolean => {
  const parts = glob.split('*')
  if (parts.length === 1) return glob === text
  const first = parts[0] as string
  const last = parts.at(-1) as string
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  let from = first.length
  for (const part of parts.slice(1, -1)) {
    const at = text.indexOf(part, from)
    if (at < 0 || at + part.length > text.length - last.length) return false
    from = at + part.length
  }
  return true
}
