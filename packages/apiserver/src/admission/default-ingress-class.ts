import type { Ingress, IngressClass } from '@skiff/api'
import type { AdmissionPlugin } from './admission.ts'
import { lookup } from './lookup.ts'
import type { AdmissionSources } from './sources.ts'

/** An ingress that names no class gets the default one: of several the newest, and of those the first by name. */
export const defaultIngressClass = (sources: AdmissionSources): AdmissionPlugin => {
  const classes = lookup<IngressClass>(sources, 'networking.k8s.io', 'v1', 'ingressclasses')
  return {
    name: 'DefaultIngressClass',
    mutate: (request) => {
      const { kind, verb, subresource, object } = request
      if (kind.group !== 'networking.k8s.io' || kind.plural !== 'ingresses' || verb !== 'create' || subresource !== undefined) return object
      const ingress = object as Ingress
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined)
        return object
      return classes.list().then((all) => {
        const marked = all.filter((each) => each.metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true')
        const chosen = marked.sort((a, b) => bornMs(b) - bornMs(a) || (a.metadata.name < b.metadata.name ? -1 : 1))[0]
        return chosen ? { ...ingress, spec: { ...ingress.spec, ingressClassName: chosen.metadata.name } } : ingress
      })
    },
  }
}

const bornMs = ({ metadata }: IngressClass): number => Date.parse(metadata.creationTimestamp)
