const alnum = '[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*'
const domainPart = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const domainShape = new RegExp(`^(?:${domainPart}(?:\\.${domainPart})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`)
const pathShape = new RegExp(`^${alnum}(?:/${alnum})*$`)
const tagShape = /^\w[\w.-]{0,127}$/
const digestShape = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/

/** The tag of an image reference, `latest` where neither tag nor digest is given, '' for a digest alone or a bad reference. */
export const imageTag = (image: string): string => {
  const at = image.indexOf('@')
  const digest = at < 0 ? undefined : image.slice(at + 1)
  const named = at < 0 ? image : image.slice(0, at)
  const colon = named.lastIndexOf(':')
  const tagged = colon > named.lastIndexOf('/')
  const tag = tagged ? named.slice(colon + 1) : ''
  const name = tagged ? named.slice(0, colon) : named
  if (!isName(name) || (tagged && !tagShape.test(tag)) || (digest !== undefined && !digestShape.test(digest))) return ''
  return tag !== '' || digest !== undefined ? tag : 'latest'
}

const isName = (name: string): boolean => {
  if (name.length > 255 || /^[a-f0-9]{64}$/.test(name)) return false
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const hasDomain = first !== '' && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  return hasDomain ? domainShape.test(first) && pathShape.test(name.slice(slash + 1)) : pathShape.test(name)
}

const limit = 4096
const policies = new Map<string, 'Always' | 'IfNotPresent'>()

/** Always for the tag latest, as upstream defaults imagePullPolicy. Kept by image, since few images serve many pods. */
export const defaultPullPolicy = (image: string): 'Always' | 'IfNotPresent' => {
  const known = policies.get(image)
  if (known !== undefined) return known
  const policy = imageTag(image) === 'latest' ? 'Always' : 'IfNotPresent'
  if (policies.size >= limit) policies.clear()
  policies.set(image, policy)
  return policy
}
