# The job, from the flex template. Without var.template everything else is made, and no job.

resource "google_dataflow_flex_template_job" "chats" {
  provider = google-beta
  count    = var.template == null ? 0 : 1

  name                         = "${var.name}-chats"
  region                       = var.region
  container_spec_gcs_path      = var.template
  service_account_email        = google_service_account.worker.email
  sdk_container_image          = var.worker_image
  temp_location                = "gs://${var.staging_bucket}/temp"
  staging_location             = "gs://${var.staging_bucket}/staging"
  machine_type                 = var.machine_type
  max_workers                  = var.max_workers
  ip_configuration             = "WORKER_IP_PRIVATE"
  enable_streaming_engine      = var.streaming
  on_delete                    = var.streaming ? "drain" : "cancel"
  skip_wait_on_job_termination = false
  parameters                   = var.parameters

  lifecycle {
    precondition {
      condition     = var.worker_image != null && var.staging_bucket != null
      error_message = "A job needs worker_image and staging_bucket."
    }
  }

  depends_on = [
    google_project_iam_member.worker,
    google_pubsub_subscription_iam_member.worker,
    google_bigquery_dataset_iam_member.worker,
    google_storage_bucket_iam_member.worker,
  ]
}
