import { invalidImageName } from './image-error.ts'

/** The parts of an image's full name. At least one of tag and digest is set. */
export interface ImageName {
  /** With port, if any: `docker.io`, `127.0.0.1:5000`. */
  readonly domain: string
  readonly path: string
  readonly tag?: string
  /** `sha256:…`. */
  readonly digest?: string
}

const defaultDomain = 'docker.io'
const domainForm =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/
const pathPartForm = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const tagForm = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const digestForm = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/

// What stands before the first slash is a registry only if it looks like one: `library/nginx` is not.
const looksLikeDomain = (first: string): boolean =>
  first.includes('.') || first.includes(':') || first === 'localhost' || first !== first.toLowerCase()

const splitDomain = (name: string): { domain: string; path: string } => {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const named = slash >= 0 && looksLikeDomain(first)
  const domain = !named ? defaultDomain : first === 'index.docker.io' ? defaultDomain : first
  const path = named ? name.slice(slash + 1) : name
  return { domain, path: domain === defaultDomain && !path.includes('/') ? `library/${path}` : path }
}

/** Reads a name as users write it (`nginx`, `host:5000/app:1`, `app@sha256:…`). Throws an ImageError for anything else. */
export const parseImageName = (text: string): ImageName => {
  const refuse = () => invalidImageName(text)
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const rest = at < 0 ? text : text.slice(0, at)
  const colon = rest.lastIndexOf(':')
  const tagged = colon > rest.lastIndexOf('/')
  const tag = tagged ? rest.slice(colon + 1) : undefined
  const { domain, path } = splitDomain(tagged ? rest.slice(0, colon) : rest)

  // The order is that of the reference grammar, which tells a bare image id apart from a name.
  if (/^[0-9a-f]{64}$/.test(rest)) throw refuse()
  if (digest !== undefined && !digestForm.test(digest)) throw refuse()
  if (tag !== undefined && !tagForm.test(tag)) throw refuse()
  if (!domainForm.test(domain) || path.length > 255 || !path.split('/').every((part) => pathPartForm.test(part))) throw refuse()
  return {
    domain,
    path,
    ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

export const formatImageName = ({ domain, path, tag, digest }: ImageName): string =>
  `${domain}/${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`

/** The full name under which containerd keeps it: `busybox` is `docker.io/library/busybox:latest`. */
export const normaliseImageName = (text: string): string => formatImageName(parseImageName(text))

/** The short form that Docker shows: the default registry and `library/` left out. */
export const familiarImageName = (text: string): string => {
  const name = parseImageName(text)
  if (name.domain !== defaultDomain) return formatImageName(name)
  return formatImageName(name)
    .slice(defaultDomain.length + 1)
    .replace(/^library\//, '')
}
