import { invalidValue, isDns1123Subdomain, isPortNumber, quoted, required } from '@skiff/machinery'
import type { Faults } from './faults.ts'

interface WebhookService {
  readonly name?: string
  readonly namespace?: string
  readonly path?: string
  readonly port?: number
}

interface WebhookClient {
  readonly url?: string
  readonly service?: WebhookService
}

/** Where a webhook is: at a URL, or behind a service. */
export const checkWebhookClient = (faults: Faults, { url, service }: WebhookClient, path: string): void => {
  if ((url === undefined) === (service === undefined)) faults.push(required(path, 'exactly one of url or service is required'))
  else if (url !== undefined) checkUrl(faults, url, `${path}.url`)
  else if (service !== undefined) checkService(faults, service, `${path}.service`)
}

const form = '; desired format: https://host[/path]'
const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:([^/?#]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s

const checkUrl = (faults: Faults, url: string, path: string): void => {
  const [, scheme = '', user, host = '', query, fragment] = parts.exec(url) ?? []
  const malformed = url.startsWith(':') ? 'missing protocol scheme' : hasControl(url) ? 'net/url: invalid control character in URL' : ''
  if (malformed) {
    faults.push(required(path, `url must be a valid URL: parse ${quoted(url)}: ${malformed}${form}`))
    return
  }
  if (scheme.toLowerCase() !== 'https')
    faults.push(invalidValue(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${form}`))
  if (host === '') faults.push(invalidValue(path, '', `host must be provided${form}`))
  if (user !== undefined) faults.push(invalidValue(path, user, 'user information is not permitted in the URL'))
  if (fragment) faults.push(invalidValue(path, fragment, 'fragments are not permitted in the URL'))
  if (query) faults.push(invalidValue(path, query, 'query parameters are not permitted in the URL'))
}

const hasControl = (text: string): boolean => [...text].some((character) => character < ' ' || character === '\x7f')

/** Upstream hands name and namespace over in the wrong order: an absent one is reported as the other. */
const checkService = (faults: Faults, { name, namespace, path: target, port = 0 }: WebhookService, path: string): void => {
  if (!namespace) faults.push(required(`${path}.name`, 'service name is required'))
  if (!name) faults.push(required(`${path}.namespace`, 'service namespace is required'))
  const complaints = isPortNumber(port)
  if (complaints.length > 0) faults.push(invalidValue(`${path}.port`, port, `port is not valid: ${complaints.join(', ')}`))
  if (target) checkPath(faults, target, `${path}.path`)
}

const checkPath = (faults: Faults, target: string, path: string): void => {
  if (target === '/') return
  if (target === '//') {
    faults.push(invalidValue(path, target, 'segment[0] may not be empty'))
    return
  }
  if (!target.startsWith('/')) faults.push(invalidValue(path, target, "must start with a '/'"))
  const steps = target.slice(1).replace(/\/$/, '').split('/')
  steps.forEach((step, index) => {
    if (step === '') faults.push(invalidValue(path, target, `segment[${index}] may not be empty`))
    else for (const message of isDns1123Subdomain(step)) faults.push(invalidValue(path, target, `segment[${index}]: ${message}`))
  })
}
