-- One database for each service that has a store; PostgreSQL runs this on an empty volume only.
CREATE DATABASE sightloop_gateway;
CREATE DATABASE sightloop_ingest;
CREATE DATABASE sightloop_metrics;
CREATE DATABASE sightloop_review;
CREATE DATABASE sightloop_feedback;
CREATE DATABASE sightloop_trainer;
CREATE DATABASE sightloop_deployer;
