variable "project" {
  description = "The Google Cloud project that everything is made in."
  type        = string
}

variable "region" {
  description = "Where the job runs, and where the dataset is kept."
  type        = string
}

variable "name" {
  description = "What the names of all resources begin with."
  type        = string
  default     = "attune"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,20}$", var.name))
    error_message = "The name is 3 to 21 lower case letters, digits and hyphens, and begins with a letter."
  }
}

variable "template" {
  description = "Where the flex template's specification is, like gs://BUCKET/attune.json; docs/deploy.md says how it is made. Null makes everything but the job."
  type        = string
  default     = null
}

variable "worker_image" {
  description = "The image of the target beam, with its digest, that the job's workers run. Needed with a template."
  type        = string
  default     = null
}

variable "parameters" {
  description = "The template's parameters, by their names in deploy/dataflow/metadata.json: source and sink at least."
  type        = map(string)
  default     = {}
}

variable "streaming" {
  description = "Whether the job's source never ends. Such a job is drained when it is destroyed."
  type        = bool
  default     = false
}

variable "staging_bucket" {
  description = "The bucket (without gs://) for the job's temporary files. Needed with a template."
  type        = string
  default     = null
}

variable "machine_type" {
  description = "What a worker of the job runs on."
  type        = string
  default     = "n2-standard-4"
}

variable "max_workers" {
  description = "The job never has more workers than this."
  type        = number
  default     = 8

  validation {
    condition     = var.max_workers >= 1
    error_message = "A job needs at least one worker."
  }
}

variable "max_delivery_attempts" {
  description = "A message that was delivered so often without an end goes to the dead-letter topic."
  type        = number
  default     = 25

  validation {
    condition     = var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100
    error_message = "Pub/Sub takes 5 to 100 attempts."
  }
}

variable "retention_days" {
  description = "How long the table's partitions are kept; they hold customers' words."
  type        = number
  default     = 365
}
