output "topic" {
  description = "Where chats are published, a JSON object a message."
  value       = google_pubsub_topic.chats.id
}

output "subscription" {
  description = "Where workers take chats from."
  value       = google_pubsub_subscription.chats.id
}

output "reviews" {
  description = "Where unhappy customers' chats go with their drafts."
  value       = google_pubsub_topic.reviews.id
}

output "dead_subscription" {
  description = "Where messages wait that could not be delivered."
  value       = google_pubsub_subscription.dead.id
}

output "dataset" {
  description = "Where outcomes are written."
  value       = google_bigquery_dataset.outcomes.dataset_id
}

output "worker" {
  description = "The account that workers run as."
  value       = google_service_account.worker.email
}
