const pod = (naming: string): string =>
  `{"apiVersion":"v1","kind":"Pod","metadata":{${naming},"namespace":"bench","labels":{"app":"bench","tier":"web"}},"spec":{"automountServiceAccountToken":false,"schedulerName":"none","containers":[{"name":"c","image":"nginx:1.25","ports":[{"containerPort":80}],"resources":{"requests":{"cpu":"10m","memory":"16Mi"},"limits":{"cpu":"100m","memory":"64Mi"}},"env":[{"name":"A","value":"b"}]}]}}`

/** A small pod that no scheduler takes, as JSON. */
export const podBody = (name: string): string => pod(`"name":"${name}"`)

/** The same, named by the server. */
export const generatedPodBody = pod('"generateName":"g-"')
