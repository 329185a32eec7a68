import { X509Certificate } from 'node:crypto'
import { forbiddenField, invalidValue, isDns1035Label, repeats, required } from '@skiff/machinery'
import { addInvalid, checkOneOf, type Faults, invalidShown } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkWebhookClient } from '../checks/webhook-client.ts'
import type { CustomResourceConversion } from '../generated/types.ts'

/** Of ConversionReview. */
const reviewVersions = ['v1', 'v1beta1']

/** How objects get from one version to another. Upstream names the fields as an older version of the API had them. */
export const checkConversion = (faults: Faults, { strategy, webhook }: CustomResourceConversion, mindsBundle: boolean): void => {
  const path = 'spec.conversion'
  checkOneOf(faults, strategy, ['None', 'Webhook'], `${path}.strategy`)
  const client = webhook?.clientConfig
  const versions = webhook?.conversionReviewVersions
  if (strategy === 'Webhook') {
    if (client) {
      checkWebhookClient(faults, client, `${path}.webhookClientConfig`)
      if (mindsBundle) checkBundle(faults, client.caBundle, `${path}.webhookClientConfig.caBundle`)
    } else faults.push(required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook'))
    checkReviewVersions(faults, versions ?? [], `${path}.conversionReviewVersions`)
    return
  }
  const unused = 'should not be set when strategy is not set to Webhook'
  if (client) faults.push(forbiddenField(`${path}.webhookClientConfig`, unused))
  if (versions?.length) faults.push(forbiddenField(`${path}.conversionReviewVersions`, unused))
}

/** A bundle that is none is minded once a definition is served, and had a sound one before. */
const checkBundle = (faults: Faults, bundle: string | undefined, path: string): void => {
  if (!bundle || bundleIsSound(bundle)) return
  const bytes = Buffer.from(bundle, 'base64')
  const shown = `[]byte{${[...bytes].map((byte) => `0x${byte.toString(16)}`).join(', ')}}`
  faults.push(invalidShown(path, shown, 'unable to load root certificates: data does not contain any valid RSA or ECDSA certificates'))
}

const bundleIsSound = (bundle: string): boolean => {
  const certificates = Buffer.from(bundle, 'base64')
    .toString('latin1')
    .match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  try {
    return (certificates ?? []).map((pem) => new X509Certificate(pem)).length > 0
  } catch {
    return false
  }
}

export const hasBadBundle = (conversion: CustomResourceConversion | undefined): boolean => {
  const bundle = conversion?.webhook?.clientConfig?.caBundle
  return bundle !== undefined && bundle !== '' && !bundleIsSound(bundle)
}

const checkReviewVersions = (faults: Faults, versions: readonly string[], path: string): void => {
  if (versions.length === 0) faults.push(required(path))
  const again = repeats(versions)
  versions.forEach((version, index) => {
    if (again.has(index)) faults.push(invalidValue(`${path}[${index}]`, version, 'duplicate version'))
    else addInvalid(faults, isDns1035Label(version), version, `${path}[${index}]`)
  })
  if (versions.length > 0 && !versions.some((version) => reviewVersions.includes(version)))
    faults.push(invalidShown(path, goStrings(versions), `must include at least one of ${reviewVersions.join(', ')}`))
}
