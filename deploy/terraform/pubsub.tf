# Chats come in on one topic. What cannot be delivered goes to a second one, which has a subscription of its
# own: without one Pub/Sub would throw dead letters away.

resource "google_pubsub_topic" "chats" {
  name                       = "${var.name}-chats"
  message_retention_duration = "604800s"
}

resource "google_pubsub_topic" "dead" {
  name = "${var.name}-dead"
}

resource "google_pubsub_subscription" "dead" {
  name                       = "${var.name}-dead"
  topic                      = google_pubsub_topic.dead.id
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_subscription" "chats" {
  name                       = "${var.name}-chats"
  topic                      = google_pubsub_topic.chats.id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "60s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = var.max_delivery_attempts
  }
}

resource "google_pubsub_topic" "reviews" {
  name                       = "${var.name}-reviews"
  message_retention_duration = "604800s"
}

# Pub/Sub itself moves dead letters: its own account needs to take them from one and put them to the other.

data "google_project" "this" {}

locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "dead_publisher" {
  topic  = google_pubsub_topic.dead.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "chats_forwarder" {
  subscription = google_pubsub_subscription.chats.id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
