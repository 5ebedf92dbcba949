# The account that workers run as, with no more than they need.

resource "google_service_account" "worker" {
  account_id   = "${var.name}-worker"
  display_name = "attune's workers"
}

locals {
  worker = "serviceAccount:${google_service_account.worker.email}"
}

resource "google_project_iam_member" "worker" {
  for_each = toset(["roles/bigquery.jobUser", "roles/dataflow.worker"])

  project = var.project
  role    = each.value
  member  = local.worker
}

resource "google_pubsub_subscription_iam_member" "worker" {
  for_each = toset(["roles/pubsub.subscriber", "roles/pubsub.viewer"])

  subscription = google_pubsub_subscription.chats.id
  role         = each.value
  member       = local.worker
}

resource "google_pubsub_topic_iam_member" "worker" {
  for_each = {
    reviews = google_pubsub_topic.reviews.id
    dead    = google_pubsub_topic.dead.id
  }

  topic  = each.value
  role   = "roles/pubsub.publisher"
  member = local.worker
}

resource "google_bigquery_dataset_iam_member" "worker" {
  dataset_id = google_bigquery_dataset.outcomes.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = local.worker
}

resource "google_storage_bucket_iam_member" "worker" {
  count = var.staging_bucket == null ? 0 : 1

  bucket = var.staging_bucket
  role   = "roles/storage.objectAdmin"
  member = local.worker
}
