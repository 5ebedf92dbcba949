# The tables are made, and their schemas evolved, by attune from the task's fields: only the dataset is here.

resource "google_bigquery_dataset" "outcomes" {
  dataset_id                      = replace(var.name, "-", "_")
  location                        = var.region
  description                     = "Outcomes of finished customer chats, written by attune."
  default_partition_expiration_ms = var.retention_days * 24 * 60 * 60 * 1000
  delete_contents_on_destroy      = false
}
