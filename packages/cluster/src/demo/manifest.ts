/** The guestbook as a user would write it: three Deployments, each with its Service. */
export const guestbook = (webImage: string): string =>
  `${[tier('guestbook-store', 'guestbook-store:1', 1, storeVolume), tier('guestbook-api', 'guestbook-api:1', 2), tier('guestbook-web', webImage, 2, drains)].join('---\n')}`

const storeVolume = {
  mounts: '\n        volumeMounts: [{name: data, mountPath: /data}]',
  spec: '\n      volumes: [{name: data, emptyDir: {}}]\n      securityContext: {fsGroup: 1000}',
}

/** A page that is being fetched is finished before its pod goes: the pod leaves its Service first. */
const drains = { mounts: '\n        lifecycle: {preStop: {sleep: {seconds: 2}}}', spec: '' }

const tier = (
  name: string,
  image: string,
  replicas: number,
  more: { readonly mounts: string; readonly spec: string } = { mounts: '', spec: '' },
): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels: {app: guestbook, tier: ${name.slice('guestbook-'.length)}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:${more.spec}
      terminationGracePeriodSeconds: 5
      containers:
      - name: httpd
        image: ${image}
        ports: [{containerPort: 8080}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
        resources: {requests: {cpu: 10m, memory: 16Mi}}${more.mounts}
---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
  labels: {app: guestbook}
spec:
  selector: {app: ${name}}
  ports: [{port: 80, targetPort: 8080}]
`
