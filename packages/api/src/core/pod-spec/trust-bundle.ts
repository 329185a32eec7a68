import { invalidValue, nameIsDnsSubdomain, required } from '@skiff/machinery'
import { type Faults, invalidShown } from '../../checks/faults.ts'
import { goSelector } from '../../checks/go-syntax.ts'
import { checkLabelSelector } from '../../checks/label-selector.ts'
import { checkLocalPath } from '../../checks/paths.ts'
import { checkSignerName } from '../../checks/signer-name.ts'
import type { ClusterTrustBundleProjection } from '../../generated/types.ts'

export const checkTrustBundle = (faults: Faults, bundle: ClusterTrustBundleProjection, path: string): void => {
  const { name, signerName, labelSelector, path: target = '' } = bundle
  if (name !== undefined && signerName !== undefined)
    faults.push(invalidShown(path, 'core.ClusterTrustBundleProjection{}', 'only one of name and signerName may be used'))
  else if (name !== undefined) {
    if (name === '') faults.push(required(`${path}.name`, 'must be a valid object name'))
    for (const message of nameIsDnsSubdomain(name.replaceAll(':', '.'), false))
      faults.push(invalidValue(`${path}.name`, name, `not a valid clustertrustbundlename: ${message}`))
    if (labelSelector !== undefined)
      faults.push(invalidShown(`${path}.labelSelector`, goSelector(labelSelector), 'labelSelector must be unset if name is specified'))
  } else if (signerName !== undefined) {
    if (signerName === '') faults.push(required(`${path}.signerName`, 'must be a valid signer name'))
    checkSignerName(faults, signerName, `${path}.signerName`)
    checkLabelSelector(faults, labelSelector, `${path}.labelSelector`)
  } else faults.push(required(path, 'either name or signerName must be specified'))
  if (target === '') faults.push(required(`${path}.path`))
  checkLocalPath(faults, target, `${path}.path`)
}
