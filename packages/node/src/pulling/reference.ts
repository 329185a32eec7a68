import { parseImageName } from '../images/image-name.ts'

const reads = (image: string): boolean => {
  try {
    parseImageName(image)
    return true
  } catch {
    return false
  }
}

/** What is wrong with an image's name, in the words that users know; undefined: nothing. */
export const referenceFault = (image: string): string | undefined => {
  if (reads(image)) return undefined
  if (/^[a-f0-9]{64}$/.test(image)) return 'invalid repository name, cannot specify 64-byte hexadecimal strings'
  const name = image.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
  if (name !== name.toLowerCase() && reads(image.toLowerCase())) {
    return `invalid reference format: repository name (${name.includes('/') ? name : `library/${name}`}) must be lowercase`
  }
  return 'invalid reference format'
}

/** `busybox` means `busybox:latest`; a name with a tag or digest is left as it is. */
export const withDefaultTag = (image: string): string => {
  const last = image.slice(image.lastIndexOf('/') + 1)
  return last.includes(':') || last.includes('@') ? image : `${image}:latest`
}

/** Registry and repository, without tag and digest: `docker.io/library/busybox`. */
export const repositoryOf = (image: string): string => {
  const { domain, path } = parseImageName(image)
  return `${domain}/${path}`
}
