"""The routes of review: predictions, the queue and reviews, submissions."""

from services.review.api import predictions, reviews, submissions

routers = (predictions.router, reviews.router, submissions.router)
