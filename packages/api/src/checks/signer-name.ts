import { invalidValue, isDns1123Label, isDns1123Subdomain, quoted, required, tooLong } from '@skiff/machinery'
import type { Faults } from './faults.ts'

const longestDomain = 253
/** A domain, a slash, and room for namespace.name. */
const longestName = 571

/** `example.com/signer-name`. */
export const checkSignerName = (faults: Faults, name: string, path: string): void => {
  if (name === '') {
    faults.push(required(path, 'signerName must be provided'))
    return
  }
  const parts = name.split('/')
  if (parts.length !== 2) {
    faults.push(invalidValue(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"))
    return
  }
  const [domain = '', tail = ''] = parts
  if (domain.length > longestDomain) faults.push(tooLong(path, domain, longestDomain))
  checkParts(faults, domain, isDns1123Label, path)
  if (!domain.includes('.')) faults.push(invalidValue(path, domain, 'should be a domain with at least two segments separated by dots'))
  checkParts(faults, tail, isDns1123Subdomain, path)
  if (name.length > longestName) faults.push(tooLong(path, name, longestName))
}

/** The first bad part between dots is enough. */
const checkParts = (faults: Faults, text: string, complaints: (part: string) => readonly string[], path: string): void => {
  const bad = text.split('.').find((part) => complaints(part).length > 0)
  if (bad === undefined) return
  for (const message of complaints(bad)) faults.push(invalidValue(path, text, `validating label ${quoted(bad)}: ${message}`))
}
