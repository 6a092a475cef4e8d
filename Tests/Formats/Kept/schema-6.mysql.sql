/*M!999999\- enable the sandbox mode */ 

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
DROP TABLE IF EXISTS `alembic_version`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `alembic_version` (
  `version_num` varchar(32) NOT NULL,
  PRIMARY KEY (`version_num`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `alembic_version` WRITE;
/*!40000 ALTER TABLE `alembic_version` DISABLE KEYS */;
INSERT INTO `alembic_version` VALUES ('315d6ad6c19f');
/*!40000 ALTER TABLE `alembic_version` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_alert_delivery`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_alert_delivery` (
  `event_id` varchar(100) NOT NULL,
  `phase` varchar(10) NOT NULL,
  `sink` varchar(40) NOT NULL,
  `status` int(11) NOT NULL,
  `attempts` bigint(20) NOT NULL,
  `next_at` bigint(20) NOT NULL,
  `reason` text DEFAULT NULL,
  PRIMARY KEY (`event_id`,`phase`,`sink`),
  KEY `htmengine_alert_due_idx` (`status`,`next_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_alert_delivery` WRITE;
/*!40000 ALTER TABLE `htmengine_alert_delivery` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_alert_delivery` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_alert_event`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_alert_event` (
  `id` varchar(100) NOT NULL,
  `kind` varchar(20) NOT NULL,
  `uid` varchar(40) NOT NULL,
  `metric` varchar(255) NOT NULL,
  `server` varchar(100) NOT NULL,
  `started_at` bigint(20) NOT NULL,
  `ended_at` bigint(20) DEFAULT NULL,
  `peak_score` double NOT NULL,
  `peak_value` double NOT NULL,
  `peak_at` bigint(20) NOT NULL,
  `telling` int(11) NOT NULL,
  `acknowledged_at` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `htmengine_alert_start_idx` (`started_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_alert_event` WRITE;
/*!40000 ALTER TABLE `htmengine_alert_event` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_alert_event` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_alert_mute`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_alert_mute` (
  `pattern` varchar(255) NOT NULL,
  `until_time` bigint(20) NOT NULL,
  PRIMARY KEY (`pattern`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_alert_mute` WRITE;
/*!40000 ALTER TABLE `htmengine_alert_mute` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_alert_mute` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_alert_state`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_alert_state` (
  `uid` varchar(40) NOT NULL,
  `state` text NOT NULL,
  PRIMARY KEY (`uid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_alert_state` WRITE;
/*!40000 ALTER TABLE `htmengine_alert_state` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_alert_state` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_alert_told`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_alert_told` (
  `server` varchar(100) NOT NULL,
  `told_at` bigint(20) NOT NULL,
  PRIMARY KEY (`server`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_alert_told` WRITE;
/*!40000 ALTER TABLE `htmengine_alert_told` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_alert_told` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_annotation`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_annotation` (
  `id` varchar(40) NOT NULL,
  `metric` varchar(40) NOT NULL,
  `timestamp` datetime NOT NULL,
  `created` datetime NOT NULL,
  `user_name` varchar(100) DEFAULT NULL,
  `message` text NOT NULL,
  PRIMARY KEY (`id`),
  KEY `htmengine_annotation_idx` (`metric`,`timestamp`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_annotation` WRITE;
/*!40000 ALTER TABLE `htmengine_annotation` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_annotation` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_anomaly`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_anomaly` (
  `uid` varchar(40) NOT NULL,
  `rowid` bigint(20) NOT NULL,
  `timestamp` datetime NOT NULL,
  `channel` varchar(20) NOT NULL,
  `expected_low` double DEFAULT NULL,
  `expected_high` double DEFAULT NULL,
  `actual` double DEFAULT NULL,
  `one_in` double DEFAULT NULL,
  `model_age` bigint(20) NOT NULL,
  PRIMARY KEY (`uid`,`rowid`),
  KEY `htmengine_anomaly_time_idx` (`timestamp`),
  CONSTRAINT `htmengine_anomaly_to_metric_fk` FOREIGN KEY (`uid`) REFERENCES `metric` (`uid`) ON DELETE CASCADE ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_anomaly` WRITE;
/*!40000 ALTER TABLE `htmengine_anomaly` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_anomaly` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_checkpoint`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_checkpoint` (
  `uid` varchar(40) NOT NULL,
  `generation` bigint(20) NOT NULL,
  `checkpoint_rowid` bigint(20) NOT NULL,
  `part` int(11) NOT NULL,
  `content` mediumblob NOT NULL,
  PRIMARY KEY (`uid`,`generation`,`checkpoint_rowid`,`part`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_checkpoint` WRITE;
/*!40000 ALTER TABLE `htmengine_checkpoint` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_checkpoint` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_model`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_model` (
  `uid` varchar(40) NOT NULL,
  `generation` bigint(20) NOT NULL,
  `scored_rowid` bigint(20) NOT NULL,
  `published_rowid` bigint(20) NOT NULL,
  `base_rowid` bigint(20) NOT NULL,
  `checkpoint_rowid` bigint(20) NOT NULL,
  `previous_checkpoint_rowid` bigint(20) NOT NULL,
  `seen_status` int(11) NOT NULL,
  `failures` bigint(20) NOT NULL,
  `retry_at` bigint(20) DEFAULT NULL,
  `note` text DEFAULT NULL,
  `automatic` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`uid`),
  CONSTRAINT `htmengine_model_to_metric_fk` FOREIGN KEY (`uid`) REFERENCES `metric` (`uid`) ON DELETE CASCADE ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_model` WRITE;
/*!40000 ALTER TABLE `htmengine_model` DISABLE KEYS */;
INSERT INTO `htmengine_model` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',1,400,0,0,400,0,1,0,NULL,NULL,0);
/*!40000 ALTER TABLE `htmengine_model` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_partition`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_partition` (
  `number` int(11) NOT NULL,
  `owner` varchar(200) NOT NULL,
  `since` datetime NOT NULL,
  PRIMARY KEY (`number`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_partition` WRITE;
/*!40000 ALTER TABLE `htmengine_partition` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_partition` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_schema`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_schema` (
  `version` int(11) NOT NULL,
  PRIMARY KEY (`version`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_schema` WRITE;
/*!40000 ALTER TABLE `htmengine_schema` DISABLE KEYS */;
INSERT INTO `htmengine_schema` VALUES (6);
/*!40000 ALTER TABLE `htmengine_schema` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `htmengine_setting`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `htmengine_setting` (
  `name` varchar(100) NOT NULL,
  `value` text NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `htmengine_setting` WRITE;
/*!40000 ALTER TABLE `htmengine_setting` DISABLE KEYS */;
/*!40000 ALTER TABLE `htmengine_setting` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `instance_status_history`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `instance_status_history` (
  `server` varchar(100) NOT NULL DEFAULT '',
  `timestamp` datetime NOT NULL,
  `status` varchar(32) NOT NULL DEFAULT '',
  PRIMARY KEY (`server`,`timestamp`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `instance_status_history` WRITE;
/*!40000 ALTER TABLE `instance_status_history` DISABLE KEYS */;
/*!40000 ALTER TABLE `instance_status_history` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `lock`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `lock` (
  `name` varchar(40) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `lock` WRITE;
/*!40000 ALTER TABLE `lock` DISABLE KEYS */;
INSERT INTO `lock` VALUES ('metrics');
/*!40000 ALTER TABLE `lock` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `metric`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `metric` (
  `uid` varchar(40) NOT NULL,
  `datasource` varchar(100) DEFAULT NULL,
  `name` varchar(255) DEFAULT NULL,
  `description` varchar(200) DEFAULT NULL,
  `server` varchar(100) DEFAULT NULL,
  `location` varchar(200) DEFAULT NULL,
  `parameters` text DEFAULT NULL,
  `status` int(11) DEFAULT 0,
  `message` text DEFAULT NULL,
  `collector_error` text DEFAULT NULL,
  `last_timestamp` datetime DEFAULT NULL,
  `poll_interval` int(11) DEFAULT 60,
  `tag_name` varchar(200) DEFAULT NULL,
  `model_params` text DEFAULT NULL,
  `last_rowid` int(11) DEFAULT NULL,
  PRIMARY KEY (`uid`),
  KEY `datasource_idx` (`datasource`),
  KEY `location_idx` (`location`),
  KEY `server_idx` (`server`),
  KEY `htmengine_name_idx` (`name`(191))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `metric` WRITE;
/*!40000 ALTER TABLE `metric` DISABLE KEYS */;
INSERT INTO `metric` VALUES ('3cdfb2af9ade484daab02e9bc20747c8','custom','kept','Custom metric kept','kept','','{\n  \"datasource\" : \"custom\",\n  \"metricSpec\" : {\n    \"metric\" : \"kept\"\n  },\n  \"modelParams\" : {\n    \"max\" : 110,\n    \"min\" : 0\n  }\n}',1,NULL,NULL,'2020-09-14 21:46:40',300,NULL,'{\"inferenceArgs\":{\"inputPredictedField\":\"auto\",\"predictedField\":\"c1\",\"predictionSteps\":[1]},\"inputRecordSchema\":[[\"c0\",\"datetime\",\"T\"],[\"c1\",\"float\",\"\"]],\"modelConfig\":{\"aggregationInfo\":{\"days\":0,\"fields\":[],\"hours\":0,\"microseconds\":0,\"milliseconds\":0,\"minutes\":0,\"months\":0,\"seconds\":0,\"weeks\":0,\"years\":0},\"model\":\"HTMPrediction\",\"modelParams\":{\"anomalyParams\":{\"anomalyCacheRecords\":null,\"autoDetectThreshold\":null,\"autoDetectWaitRecords\":5030},\"clEnable\":false,\"clParams\":{\"alpha\":0.035828933612158,\"regionName\":\"SDRClassifierRegion\",\"steps\":\"1\",\"verbosity\":0},\"inferenceType\":\"TemporalAnomaly\",\"sensorParams\":{\"encoders\":{\"c0_dayOfWeek\":null,\"c0_timeOfDay\":{\"fieldname\":\"c0\",\"name\":\"c0\",\"timeOfDay\":[21,9.49],\"type\":\"DateEncoder\"},\"c0_weekend\":null,\"c1\":{\"fieldname\":\"c1\",\"name\":\"c1\",\"resolution\":0.8461538461538461,\"seed\":42,\"type\":\"RandomDistributedScalarEncoder\"}},\"sensorAutoReset\":null,\"verbosity\":0},\"spEnable\":true,\"spParams\":{\"boostStrength\":0.0,\"columnCount\":2048,\"globalInhibition\":1,\"inputWidth\":0,\"numActiveColumnsPerInhArea\":40,\"potentialPct\":0.8,\"seed\":1956,\"spVerbosity\":0,\"spatialImp\":\"cpp\",\"synPermActiveInc\":0.003,\"synPermConnected\":0.2,\"synPermInactiveDec\":0.0005},\"tmEnable\":true,\"tmParams\":{\"activationThreshold\":13,\"cellsPerColumn\":32,\"columnCount\":2048,\"globalDecay\":0.0,\"initialPerm\":0.21,\"inputWidth\":2048,\"maxAge\":0,\"maxSegmentsPerCell\":128,\"maxSynapsesPerSegment\":32,\"minThreshold\":10,\"newSynapseCount\":20,\"outputType\":\"normal\",\"pamLength\":3,\"permanenceDec\":0.1,\"permanenceInc\":0.1,\"seed\":1960,\"temporalImp\":\"cpp\",\"verbosity\":0},\"trainSPNetOnlyIfRequested\":false},\"predictAheadTime\":null,\"version\":1}}',400);
/*!40000 ALTER TABLE `metric` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `metric_data`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `metric_data` (
  `uid` varchar(40) NOT NULL DEFAULT '',
  `rowid` int(11) NOT NULL DEFAULT 0,
  `timestamp` datetime NOT NULL,
  `metric_value` double NOT NULL,
  `raw_anomaly_score` double DEFAULT NULL,
  `anomaly_score` double DEFAULT NULL,
  `display_value` int(11) DEFAULT NULL,
  `multi_step_best_predictions` text DEFAULT NULL,
  PRIMARY KEY (`uid`,`rowid`),
  KEY `anomaly_score_idx` (`anomaly_score`),
  KEY `timestamp_idx` (`timestamp`),
  CONSTRAINT `metric_data_to_metric_fk` FOREIGN KEY (`uid`) REFERENCES `metric` (`uid`) ON DELETE CASCADE ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `metric_data` WRITE;
/*!40000 ALTER TABLE `metric_data` DISABLE KEYS */;
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',1,'2020-09-13 12:31:40',60.35,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',2,'2020-09-13 12:36:40',70,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',3,'2020-09-13 12:41:40',78.28,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',4,'2020-09-13 12:46:40',84.64,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',5,'2020-09-13 12:51:40',88.64,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',6,'2020-09-13 12:56:40',90,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',7,'2020-09-13 13:01:40',88.64,0.9750000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',8,'2020-09-13 13:06:40',84.64,0.3499999940395355,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',9,'2020-09-13 13:11:40',78.28,0.574999988079071,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',10,'2020-09-13 13:16:40',70,0.800000011920929,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',11,'2020-09-13 13:21:40',60.35,0.800000011920929,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',12,'2020-09-13 13:26:40',50,0.925000011920929,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',13,'2020-09-13 13:31:40',39.65,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',14,'2020-09-13 13:36:40',30,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',15,'2020-09-13 13:41:40',21.72,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',16,'2020-09-13 13:46:40',15.36,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',17,'2020-09-13 13:51:40',11.36,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',18,'2020-09-13 13:56:40',10,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',19,'2020-09-13 14:01:40',11.36,0.949999988079071,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',20,'2020-09-13 14:06:40',15.36,0.375,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',21,'2020-09-13 14:11:40',21.72,0.625,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',22,'2020-09-13 14:16:40',30,0.7250000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',23,'2020-09-13 14:21:40',39.65,0.875,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',24,'2020-09-13 14:26:40',50,0.925000011920929,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',25,'2020-09-13 14:31:40',60.35,0.875,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',26,'2020-09-13 14:36:40',70,0.7749999761581421,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',27,'2020-09-13 14:41:40',78.28,0.7250000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',28,'2020-09-13 14:46:40',84.64,1,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',29,'2020-09-13 14:51:40',88.64,0.8500000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',30,'2020-09-13 14:56:40',90,0.5,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',31,'2020-09-13 15:01:40',88.64,0.42500001192092896,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',32,'2020-09-13 15:06:40',84.64,0.30000001192092896,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',33,'2020-09-13 15:11:40',78.28,0.4749999940395355,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',34,'2020-09-13 15:16:40',70,0.6499999761581421,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',35,'2020-09-13 15:21:40',60.35,0.375,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',36,'2020-09-13 15:26:40',50,0.4000000059604645,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',37,'2020-09-13 15:31:40',39.65,0.5,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',38,'2020-09-13 15:36:40',30,0.824999988079071,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',39,'2020-09-13 15:41:40',21.72,0.9750000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',40,'2020-09-13 15:46:40',15.36,0.824999988079071,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',41,'2020-09-13 15:51:40',11.36,0.574999988079071,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',42,'2020-09-13 15:56:40',10,0.125,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',43,'2020-09-13 16:01:40',11.36,0.125,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',44,'2020-09-13 16:06:40',15.36,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',45,'2020-09-13 16:11:40',21.72,0.2750000059604645,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',46,'2020-09-13 16:16:40',30,0.4749999940395355,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',47,'2020-09-13 16:21:40',39.65,0.7250000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',48,'2020-09-13 16:26:40',50,0.9750000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',49,'2020-09-13 16:31:40',60.35,0.6000000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',50,'2020-09-13 16:36:40',70,0.42500001192092896,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',51,'2020-09-13 16:41:40',78.28,0.6000000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',52,'2020-09-13 16:46:40',84.64,0.44999998807907104,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',53,'2020-09-13 16:51:40',88.64,0.25,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',54,'2020-09-13 16:56:40',90,0.30000001192092896,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',55,'2020-09-13 17:01:40',88.64,0.25,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',56,'2020-09-13 17:06:40',84.64,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',57,'2020-09-13 17:11:40',78.28,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',58,'2020-09-13 17:16:40',70,0.25,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',59,'2020-09-13 17:21:40',60.35,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',60,'2020-09-13 17:26:40',50,0.25,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',61,'2020-09-13 17:31:40',39.65,0.5,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',62,'2020-09-13 17:36:40',30,0.800000011920929,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',63,'2020-09-13 17:41:40',21.72,0.4749999940395355,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',64,'2020-09-13 17:46:40',15.36,0.375,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',65,'2020-09-13 17:51:40',11.36,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',66,'2020-09-13 17:56:40',10,0.22499999403953552,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',67,'2020-09-13 18:01:40',11.36,0.125,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',68,'2020-09-13 18:06:40',15.36,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',69,'2020-09-13 18:11:40',21.72,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',70,'2020-09-13 18:16:40',30,0.5249999761581421,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',71,'2020-09-13 18:21:40',39.65,0.574999988079071,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',72,'2020-09-13 18:26:40',50,0.75,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',73,'2020-09-13 18:31:40',60.35,0.30000001192092896,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',74,'2020-09-13 18:36:40',70,0.20000000298023224,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',75,'2020-09-13 18:41:40',78.28,0.32499998807907104,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',76,'2020-09-13 18:46:40',84.64,0.25,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',77,'2020-09-13 18:51:40',88.64,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',78,'2020-09-13 18:56:40',90,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',79,'2020-09-13 19:01:40',88.64,0.02500000037252903,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',80,'2020-09-13 19:06:40',84.64,0.02500000037252903,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',81,'2020-09-13 19:11:40',78.28,0.17499999701976776,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',82,'2020-09-13 19:16:40',70,0.22499999403953552,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',83,'2020-09-13 19:21:40',60.35,0.20000000298023224,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',84,'2020-09-13 19:26:40',50,0.17499999701976776,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',85,'2020-09-13 19:31:40',39.65,0.2750000059604645,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',86,'2020-09-13 19:36:40',30,0.44999998807907104,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',87,'2020-09-13 19:41:40',21.72,0.6000000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',88,'2020-09-13 19:46:40',15.36,0.4000000059604645,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',89,'2020-09-13 19:51:40',11.36,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',90,'2020-09-13 19:56:40',10,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',91,'2020-09-13 20:01:40',11.36,0.125,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',92,'2020-09-13 20:06:40',15.36,0.07500000298023224,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',93,'2020-09-13 20:11:40',21.72,0.30000001192092896,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',94,'2020-09-13 20:16:40',30,0.7250000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',95,'2020-09-13 20:21:40',39.65,0.6000000238418579,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',96,'2020-09-13 20:26:40',50,0.6499999761581421,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',97,'2020-09-13 20:31:40',75.35,0.6499999761581421,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',98,'2020-09-13 20:36:40',70,0.5249999761581421,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',99,'2020-09-13 20:41:40',78.28,0.2750000059604645,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',100,'2020-09-13 20:46:40',84.64,0.15000000596046448,0,0,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',101,'2020-09-13 20:51:40',88.64,0.25,0.5000319156883521,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',102,'2020-09-13 20:56:40',90,0.25,0.5000249341316283,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',103,'2020-09-13 21:01:40',88.64,0.10000000149011612,0.5000329130541497,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',104,'2020-09-13 21:06:40',84.64,0.15000000596046448,0.5000558524558308,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',105,'2020-09-13 21:11:40',78.28,0.15000000596046448,0.5000738050310898,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',106,'2020-09-13 21:16:40',70,0.15000000596046448,0.5000937523347746,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',107,'2020-09-13 21:21:40',60.35,0.30000001192092896,0.5001077154466229,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',108,'2020-09-13 21:26:40',50,0.44999998807907104,0.5001107075418325,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',109,'2020-09-13 21:31:40',39.65,0.625,0.500096744428822,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',110,'2020-09-13 21:36:40',30,0.6499999761581421,0.5000767971251693,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',111,'2020-09-13 21:41:40',21.72,0.574999988079071,0.5000638313773916,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',112,'2020-09-13 21:46:40',15.36,0.2750000059604645,0.5000628340119007,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',113,'2020-09-13 21:51:40',11.36,0.125,0.5000618366467064,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',114,'2020-09-13 21:56:40',10,0.22499999403953552,0.5000588445514189,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',115,'2020-09-13 22:01:40',11.36,0,0.5000648287431795,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',116,'2020-09-13 22:06:40',15.36,0,0.5000708129349254,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',117,'2020-09-13 22:11:40',21.72,0.07500000298023224,0.5000797892225141,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',118,'2020-09-13 22:16:40',30,0.5,0.5000777944915458,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',119,'2020-09-13 22:21:40',39.65,0.550000011920929,0.5000807865868084,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',120,'2020-09-13 22:26:40',50,0.44999998807907104,0.5000887655082789,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',121,'2020-09-13 22:31:40',60.35,0.6499999761581421,0.5000857734130287,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',122,'2020-09-13 22:36:40',70,0.5,0.500076797126061,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',123,'2020-09-13 22:41:40',78.28,0.2750000059604645,0.500070812934331,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',124,'2020-09-13 22:46:40',84.64,0.25,0.5000698155688429,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',125,'2020-09-13 22:51:40',88.64,0.20000000298023224,0.5000618366467064,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',126,'2020-09-13 22:56:40',90,0.125,0.5000568498204327,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',127,'2020-09-13 23:01:40',88.64,0,0.500059841916317,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',128,'2020-09-13 23:06:40',84.64,0.10000000149011612,0.5000757997602785,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',129,'2020-09-13 23:11:40',78.28,0.17499999701976776,0.5000907602395328,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',130,'2020-09-13 23:16:40',70,0.25,0.5000987391609584,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',131,'2020-09-13 23:21:40',60.35,0.4000000059604645,0.5001087128120898,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',132,'2020-09-13 23:26:40',50,0.4000000059604645,0.5001127022727615,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',133,'2020-09-13 23:31:40',39.65,0.20000000298023224,0.5001156943685552,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',134,'2020-09-13 23:36:40',30,0.3499999940395355,0.5001117049078918,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',135,'2020-09-13 23:41:40',21.72,0.44999998807907104,0.5001017312561856,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',136,'2020-09-13 23:46:40',15.36,0.17499999701976776,0.5000997365258366,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',137,'2020-09-13 23:51:40',11.36,0.22499999403953552,0.5000907602389383,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',138,'2020-09-13 23:56:40',10,0.17499999701976776,0.5000877681433942,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',139,'2020-09-14 00:01:40',11.36,0.05000000074505806,0.5000927549694468,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',140,'2020-09-14 00:06:40',15.36,0.15000000596046448,0.5000967444301596,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',141,'2020-09-14 00:11:40',21.72,0.20000000298023224,0.5001047233521503,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',142,'2020-09-14 00:16:40',30,0.42500001192092896,0.5001037259866807,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',143,'2020-09-14 00:21:40',39.65,0.25,0.5001017312563343,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',144,'2020-09-14 00:26:40',50,0.2750000059604645,0.5001047233515559,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',145,'2020-09-14 00:31:40',60.35,0.5249999761581421,0.5001017312563343,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',146,'2020-09-14 00:36:40',70,0.6000000238418579,0.5000847760462104,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',147,'2020-09-14 00:41:40',78.28,0.2750000059604645,0.5000827813152472,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',148,'2020-09-14 00:46:40',84.64,0.22499999403953552,0.5000807865848764,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',149,'2020-09-14 00:51:40',88.64,0.17499999701976776,0.5000757997587922,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',150,'2020-09-14 00:56:40',90,0.22499999403953552,0.5000728076635224,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',151,'2020-09-14 01:01:40',88.64,0.02500000037252903,0.5000797892203591,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',152,'2020-09-14 01:06:40',84.64,0.07500000298023224,0.5000937523341058,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',153,'2020-09-14 01:11:40',78.28,0.20000000298023224,0.5000957470644621,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',154,'2020-09-14 01:16:40',70,0.15000000596046448,0.5001007338906398,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',155,'2020-09-14 01:21:40',60.35,0.30000001192092896,0.5001097101762928,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',156,'2020-09-14 01:26:40',50,0.3499999940395355,0.500119683829727,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',157,'2020-09-14 01:31:40',39.65,0.4000000059604645,0.5001146970036133,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',158,'2020-09-14 01:36:40',30,0.375,0.5001087128120154,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',159,'2020-09-14 01:41:40',21.72,0.30000001192092896,0.5001037259852689,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',160,'2020-09-14 01:46:40',15.36,0.22499999403953552,0.5001037259852689,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',161,'2020-09-14 01:51:40',11.36,0.20000000298023224,0.5000967444285248,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',162,'2020-09-14 01:56:40',10,0.22499999403953552,0.5000907602374521,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',163,'2020-09-14 02:01:40',11.36,0,0.5000987391594721,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',164,'2020-09-14 02:06:40',15.36,0.10000000149011612,0.5001007338901197,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',165,'2020-09-14 02:11:40',21.72,0.10000000149011612,0.500108712812387,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',166,'2020-09-14 02:16:40',30,0.25,0.5001127022730587,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',167,'2020-09-14 02:21:40',39.65,0.550000011920929,0.5001067180814526,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',168,'2020-09-14 02:26:40',50,0.574999988079071,0.5000987391600666,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',169,'2020-09-14 02:31:40',60.35,0.6499999761581421,0.5000847760481424,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',170,'2020-09-14 02:36:40',70,0.375,0.5000787918564358,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',171,'2020-09-14 02:41:40',78.28,0.22499999403953552,0.5000777944915458,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',172,'2020-09-14 02:46:40',84.64,0.17499999701976776,0.5000797892219195,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',173,'2020-09-14 02:51:40',88.64,0.125,0.5000748023956842,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',174,'2020-09-14 02:56:40',90,0.125,0.5000738050304954,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',175,'2020-09-14 03:01:40',88.64,0.07500000298023224,0.5000748023956842,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',176,'2020-09-14 03:06:40',84.64,0.05000000074505806,0.5000827813176252,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',177,'2020-09-14 03:11:40',78.28,0.17499999701976776,0.5000977417968225,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',178,'2020-09-14 03:16:40',70,0.30000001192092896,0.5001087128134274,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',179,'2020-09-14 03:21:40',60.35,0.3499999940395355,0.5001206811954083,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',180,'2020-09-14 03:26:40',50,0.3499999940395355,0.5001216785608659,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',181,'2020-09-14 03:31:40',39.65,0.5,0.5001107075431701,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',182,'2020-09-14 03:36:40',30,0.5,0.5000977417950391,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',183,'2020-09-14 03:41:40',21.72,0.625,0.5000777944902083,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',184,'2020-09-14 03:46:40',15.36,0.3499999940395355,0.5000688182032058,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',185,'2020-09-14 03:51:40',11.36,0.30000001192092896,0.500059841915574,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',186,'2020-09-14 03:56:40',10,0.3499999940395355,0.5000478735327616,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',187,'2020-09-14 04:01:40',11.36,0.2750000059604645,0.5000438840713681,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',188,'2020-09-14 04:06:40',15.36,0.25,0.5000458788023627,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',189,'2020-09-14 04:11:40',21.72,0.20000000298023224,0.5000518629935558,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',190,'2020-09-14 04:16:40',30,0.32499998807907104,0.5000528603590506,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',191,'2020-09-14 04:21:40',39.65,0.4000000059604645,0.5000568498198383,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',192,'2020-09-14 04:26:40',50,0.375,0.500061836646112,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',193,'2020-09-14 04:31:40',60.35,0.5249999761581421,0.5000658261080753,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',194,'2020-09-14 04:36:40',85,0.7250000238418579,0.5000508656280604,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',195,'2020-09-14 04:41:40',78.28,0.30000001192092896,0.5000508656280604,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',196,'2020-09-14 04:46:40',84.64,0.15000000596046448,0.5000588445496355,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',197,'2020-09-14 04:51:40',88.64,0.15000000596046448,0.5000638313759054,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',198,'2020-09-14 04:56:40',90,0.30000001192092896,0.500061836644923,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',199,'2020-09-14 05:01:40',88.64,0.25,0.5000598419145336,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',200,'2020-09-14 05:06:40',84.64,0.05000000074505806,0.5000708129318044,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',201,'2020-09-14 05:11:40',78.28,0.07500000298023224,0.5000837786801346,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',202,'2020-09-14 05:16:40',70,0.3499999940395355,0.500084776045616,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',203,'2020-09-14 05:21:40',60.35,0.2750000059604645,0.500094749696832,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',204,'2020-09-14 05:26:40',50,0.42500001192092896,0.5001067180801151,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',205,'2020-09-14 05:31:40',39.65,0.699999988079071,0.5000907602373035,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',206,'2020-09-14 05:36:40',30,0.699999988079071,0.5000688182026113,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',207,'2020-09-14 05:41:40',21.72,0.9750000238418579,0.5000359051484199,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',208,'2020-09-14 05:46:40',15.36,0.3499999940395355,0.5000339104186093,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',209,'2020-09-14 05:51:40',11.36,0.25,0.5000339104186093,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',210,'2020-09-14 05:56:40',10,0.20000000298023224,0.5000279262269436,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',211,'2020-09-14 06:01:40',11.36,0.125,0.5000259314965354,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',212,'2020-09-14 06:06:40',15.36,0.07500000298023224,0.500036902514068,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',213,'2020-09-14 06:11:40',21.72,0.15000000596046448,0.5000418893403725,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',214,'2020-09-14 06:16:40',30,0.22499999403953552,0.5000498682631592,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',215,'2020-09-14 06:21:40',39.65,0.625,0.5000528603584562,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',216,'2020-09-14 06:26:40',50,0.550000011920929,0.500058844549041,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',217,'2020-09-14 06:31:40',60.35,0.550000011920929,0.5000757997587922,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',218,'2020-09-14 06:36:40',70,0.5249999761581421,0.50006881820276,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',219,'2020-09-14 06:41:40',78.28,0.675000011920929,0.5000518629929612,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',220,'2020-09-14 06:46:40',84.64,0.30000001192092896,0.5000478735315725,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',221,'2020-09-14 06:51:40',88.64,0.125,0.5000478735315725,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',222,'2020-09-14 06:56:40',90,0.15000000596046448,0.5000448814356766,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',223,'2020-09-14 07:01:40',88.64,0.02500000037252903,0.5000498682621932,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',224,'2020-09-14 07:06:40',84.64,0.05000000074505806,0.5000568498187237,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',225,'2020-09-14 07:11:40',78.28,0.15000000596046448,0.5000757997582721,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',226,'2020-09-14 07:16:40',70,0.375,0.5000827813154701,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',227,'2020-09-14 07:21:40',60.35,0.6000000238418579,0.5000807865845049,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',228,'2020-09-14 07:26:40',50,0.25,0.5000917576012205,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',229,'2020-09-14 07:31:40',39.65,0.32499998807907104,0.5001057207154642,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',230,'2020-09-14 07:36:40',30,0.375,0.5001027286202446,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',231,'2020-09-14 07:41:40',21.72,0.75,0.5000777944892423,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',232,'2020-09-14 07:46:40',15.36,0.625,0.5000588445497098,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',233,'2020-09-14 07:51:40',11.36,0.15000000596046448,0.5000538577232078,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',234,'2020-09-14 07:56:40',10,0.20000000298023224,0.5000478735315725,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',235,'2020-09-14 08:01:40',11.36,0.15000000596046448,0.5000478735315725,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',236,'2020-09-14 08:06:40',15.36,0.22499999403953552,0.5000538577233564,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',237,'2020-09-14 08:11:40',21.72,0.20000000298023224,0.5000698155682484,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',238,'2020-09-14 08:16:40',30,0.2750000059604645,0.50006881820276,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',239,'2020-09-14 08:21:40',39.65,0.5,0.5000618366455175,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',240,'2020-09-14 08:26:40',50,0.3499999940395355,0.5000628340110089,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',241,'2020-09-14 08:31:40',60.35,0.375,0.5000777944897624,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',242,'2020-09-14 08:36:40',70,0.4749999940395355,0.5000837786814721,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',243,'2020-09-14 08:41:40',78.28,0.44999998807907104,0.5000718102992241,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',244,'2020-09-14 08:46:40',84.64,0.15000000596046448,0.5000738050296036,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',245,'2020-09-14 08:51:40',88.64,0.10000000149011612,0.5000757997602785,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',246,'2020-09-14 08:56:40',90,0.05000000074505806,0.5000827813167334,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',247,'2020-09-14 09:01:40',88.64,0.05000000074505806,0.5000887655082789,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',248,'2020-09-14 09:06:40',84.64,0.05000000074505806,0.5000977417956336,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',249,'2020-09-14 09:11:40',78.28,0.20000000298023224,0.5001097101782991,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',250,'2020-09-14 09:16:40',70,0.20000000298023224,0.5001156943692983,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',251,'2020-09-14 09:21:40',60.35,0.22499999403953552,0.5001216785608659,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',252,'2020-09-14 09:26:40',50,0.17499999701976776,0.5001336469433231,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',253,'2020-09-14 09:31:40',39.65,0.3499999940395355,0.5001376364039178,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',254,'2020-09-14 09:36:40',30,0.44999998807907104,0.500125668022094,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',255,'2020-09-14 09:41:40',21.72,0.5,0.5001097101785963,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',256,'2020-09-14 09:46:40',15.36,0.3499999940395355,0.5000977417960795,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',257,'2020-09-14 09:51:40',11.36,0.07500000298023224,0.5000967444307541,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',258,'2020-09-14 09:56:40',10,0.15000000596046448,0.5000927549695955,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',259,'2020-09-14 10:01:40',11.36,0.05000000074505806,0.5000987391611069,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',260,'2020-09-14 10:06:40',15.36,0.05000000074505806,0.5001047233525961,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',261,'2020-09-14 10:11:40',21.72,0.20000000298023224,0.5001057207174706,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',262,'2020-09-14 10:16:40',30,0.4749999940395355,0.5000937523347746,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',263,'2020-09-14 10:21:40',39.65,0.675000011920929,0.5000807865859167,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',264,'2020-09-14 10:26:40',50,0.6000000238418579,0.5000748023930092,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',265,'2020-09-14 10:31:40',60.35,0.25,0.5000847760454672,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',266,'2020-09-14 10:36:40',70,0.22499999403953552,0.5000897628716768,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',267,'2020-09-14 10:41:40',78.28,0.375,0.5000777944888707,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',268,'2020-09-14 10:46:40',84.64,0.125,0.500078791854355,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',269,'2020-09-14 10:51:40',88.64,0.02500000037252903,0.500079789219616,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',270,'2020-09-14 10:56:40',90,0.05000000074505806,0.500079789219616,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',271,'2020-09-14 11:01:40',88.64,0,0.5000877681416851,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',272,'2020-09-14 11:06:40',84.64,0,0.5001067180809324,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',273,'2020-09-14 11:11:40',78.28,0.32499998807907104,0.5001206811950367,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',274,'2020-09-14 11:16:40',70,0.10000000149011612,0.5001406285001723,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',275,'2020-09-14 11:21:40',60.35,0.125,0.5001456153261803,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',276,'2020-09-14 11:26:40',50,0.30000001192092896,0.5001426232298647,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',277,'2020-09-14 11:31:40',39.65,0.42500001192092896,0.5001406284989833,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',278,'2020-09-14 11:36:40',30,0.574999988079071,0.5001226759256538,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',279,'2020-09-14 11:41:40',21.72,0.675000011920929,0.5000967444292679,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',280,'2020-09-14 11:46:40',15.36,0.20000000298023224,0.5000907602377493,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',281,'2020-09-14 11:51:40',11.36,0.02500000037252903,0.5000897628724943,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',282,'2020-09-14 11:56:40',10,0.02500000037252903,0.5000887655072386,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',283,'2020-09-14 12:01:40',11.36,0,0.500101731254848,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',284,'2020-09-14 12:06:40',15.36,0.05000000074505806,0.5001037259853431,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',285,'2020-09-14 12:11:40',21.72,0.02500000037252903,0.5001077154462514,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',286,'2020-09-14 12:16:40',30,0.15000000596046448,0.5001136996378533,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',287,'2020-09-14 12:21:40',39.65,0.42500001192092896,0.5001136996378533,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',288,'2020-09-14 12:26:40',50,0.574999988079071,0.5001136996378533,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',289,'2020-09-14 12:31:40',60.35,0.20000000298023224,0.5001326495773549,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',290,'2020-09-14 12:36:40',70,0.05000000074505806,0.5001386337686928,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',291,'2020-09-14 12:41:40',93.28,0.375,0.5001246706557477,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',292,'2020-09-14 12:46:40',84.64,0,0.5001256680209794,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',293,'2020-09-14 12:51:40',88.64,0.02500000037252903,0.7967161812446822,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',294,'2020-09-14 12:56:40',90,0.02500000037252903,0.753520467411841,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',295,'2020-09-14 13:01:40',88.64,0.02500000037252903,0.753520467411841,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',296,'2020-09-14 13:06:40',84.64,0,0.5715900368089384,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',297,'2020-09-14 13:11:40',78.28,0.07500000298023224,0.9861379726241762,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',298,'2020-09-14 13:16:40',70,0.10000000149011612,0.9999996165530061,1000000001,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',299,'2020-09-14 13:21:40',60.35,0.02500000037252903,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',300,'2020-09-14 13:26:40',50,0.05000000074505806,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',301,'2020-09-14 13:31:40',39.65,0.07500000298023224,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',302,'2020-09-14 13:36:40',30,0.15000000596046448,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',303,'2020-09-14 13:41:40',21.72,0.17499999701976776,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',304,'2020-09-14 13:46:40',15.36,0.02500000037252903,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',305,'2020-09-14 13:51:40',11.36,0.02500000037252903,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',306,'2020-09-14 13:56:40',10,0.05000000074505806,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',307,'2020-09-14 14:01:40',11.36,0,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',308,'2020-09-14 14:06:40',15.36,0.05000000074505806,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',309,'2020-09-14 14:11:40',21.72,0.07500000298023224,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',310,'2020-09-14 14:16:40',30,0.20000000298023224,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',311,'2020-09-14 14:21:40',39.65,0.125,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',312,'2020-09-14 14:26:40',50,0.10000000149011612,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',313,'2020-09-14 14:31:40',60.35,0,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',314,'2020-09-14 14:36:40',70,0,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',315,'2020-09-14 14:41:40',78.28,0,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',316,'2020-09-14 14:46:40',84.64,0.05000000074505806,0.999,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',317,'2020-09-14 14:51:40',88.64,0,0.7981469187637847,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',318,'2020-09-14 14:56:40',90,0.07500000298023224,0.7839154827377662,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',319,'2020-09-14 15:01:40',88.64,0,0.8248714552404082,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',320,'2020-09-14 15:06:40',84.64,0,0.9083020764892652,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',321,'2020-09-14 15:11:40',78.28,0.02500000037252903,0.9368072814959484,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',322,'2020-09-14 15:16:40',70,0.20000000298023224,0.9083020758815685,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',323,'2020-09-14 15:21:40',60.35,0,0.9083020758815685,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',324,'2020-09-14 15:26:40',50,0,0.9083020758815685,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',325,'2020-09-14 15:31:40',39.65,0.05000000074505806,0.890894925647413,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',326,'2020-09-14 15:36:40',30,0.05000000074505806,0.890894925647413,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',327,'2020-09-14 15:41:40',21.72,0,0.890894925647413,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',328,'2020-09-14 15:46:40',15.36,0.02500000037252903,0.9083020764892652,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',329,'2020-09-14 15:51:40',11.36,0.02500000037252903,0.8998744576303159,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',330,'2020-09-14 15:56:40',10,0.05000000074505806,0.8813507813607244,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',331,'2020-09-14 16:01:40',11.36,0.02500000037252903,0.8813507813607244,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',332,'2020-09-14 16:06:40',15.36,0.17499999701976776,0.8908949284070738,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',333,'2020-09-14 16:11:40',21.72,0.17499999701976776,0.8118018306707375,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',334,'2020-09-14 16:16:40',30,0.4749999940395355,0.5225726723419766,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',335,'2020-09-14 16:21:40',39.65,0.4749999940395355,0.8155960149497431,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',336,'2020-09-14 16:26:40',50,0.05000000074505806,0.8155960149497431,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',337,'2020-09-14 16:31:40',60.35,0,0.8155960149497431,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',338,'2020-09-14 16:36:40',70,0,0.8021075781831709,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',339,'2020-09-14 16:41:40',78.28,0,0.7880397840328744,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',340,'2020-09-14 16:46:40',84.64,0,0.758213671944782,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',341,'2020-09-14 16:51:40',88.64,0.02500000037252903,0.837805013216282,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',342,'2020-09-14 16:56:40',90,0.07500000298023224,0.7847631643241767,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',343,'2020-09-14 17:01:40',88.64,0,0.6712851065782479,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',344,'2020-09-14 17:06:40',84.64,0.02500000037252903,0.6712851209247221,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',345,'2020-09-14 17:11:40',78.28,0,0.9161554680832112,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',346,'2020-09-14 17:16:40',70,0.125,0.8909966780574659,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',347,'2020-09-14 17:21:40',60.35,0,0.8909966780574659,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',348,'2020-09-14 17:26:40',50,0,0.8909966780574659,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',349,'2020-09-14 17:31:40',39.65,0.02500000037252903,0.881510610095766,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',350,'2020-09-14 17:36:40',30,0.02500000037252903,0.8714554869631332,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',351,'2020-09-14 17:41:40',21.72,0,0.881510610095766,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',352,'2020-09-14 17:46:40',15.36,0.07500000298023224,0.881510610095766,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',353,'2020-09-14 17:51:40',11.36,0.02500000037252903,0.8714554869631332,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',354,'2020-09-14 17:56:40',10,0.02500000037252903,0.8714554869631332,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',355,'2020-09-14 18:01:40',11.36,0.07500000298023224,0.837805022956392,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',356,'2020-09-14 18:06:40',15.36,0.10000000149011612,0.8496072932646461,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',357,'2020-09-14 18:11:40',21.72,0.07500000298023224,0.8124414502699562,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',358,'2020-09-14 18:16:40',30,0.5,0.5392512961343614,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',359,'2020-09-14 18:21:40',39.65,0.550000011920929,0.8714554940465828,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',360,'2020-09-14 18:26:40',50,0.02500000037252903,0.8714554940465828,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',361,'2020-09-14 18:31:40',60.35,0.05000000074505806,0.8909966843616987,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',362,'2020-09-14 18:36:40',70,0,0.8608230193806605,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',363,'2020-09-14 18:41:40',78.28,0,0.8496073020041672,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',364,'2020-09-14 18:46:40',84.64,0,0.8378050312406851,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',365,'2020-09-14 18:51:40',88.64,0.10000000149011612,0.865343763649727,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',366,'2020-09-14 18:56:40',90,0.07500000298023224,0.8545239083224616,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',367,'2020-09-14 19:01:40',88.64,0.07500000298023224,0.8545239083224616,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',368,'2020-09-14 19:06:40',84.64,0.02500000037252903,0.552667696722542,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',369,'2020-09-14 19:11:40',78.28,0.32499998807907104,0.6198570003836,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',370,'2020-09-14 19:16:40',70,0.4749999940395355,0.7156318165747197,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',371,'2020-09-14 19:21:40',60.35,0,0.6817825314723567,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',372,'2020-09-14 19:26:40',50,0.02500000037252903,0.6989215689299817,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',373,'2020-09-14 19:31:40',39.65,0,0.6989215689299817,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',374,'2020-09-14 19:36:40',30,0.02500000037252903,0.7156318165747197,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',375,'2020-09-14 19:41:40',21.72,0.07500000298023224,0.6989215701913276,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',376,'2020-09-14 19:46:40',15.36,0,0.6463426220119299,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',377,'2020-09-14 19:51:40',11.36,0.02500000037252903,0.6095861552235893,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',378,'2020-09-14 19:56:40',10,0.10000000149011612,0.6642451840671496,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',379,'2020-09-14 20:01:40',11.36,0.10000000149011612,0.5053585572576149,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',380,'2020-09-14 20:06:40',15.36,0.125,0.756159662742308,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',381,'2020-09-14 20:11:40',21.72,0.17499999701976776,0.6382246522061932,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',382,'2020-09-14 20:16:40',30,0.44999998807907104,0.6817825327645477,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',383,'2020-09-14 20:21:40',39.65,0.05000000074505806,0.7156318178030504,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',384,'2020-09-14 20:26:40',50,0,0.6989215701913276,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',385,'2020-09-14 20:31:40',60.35,0.15000000596046448,0.7476579467305917,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',386,'2020-09-14 20:36:40',70,0,0.7476579467305917,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',387,'2020-09-14 20:41:40',78.28,0,0.7318855566704425,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',388,'2020-09-14 20:46:40',99.64,0.20000000298023224,0.7918835971336133,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',389,'2020-09-14 20:51:40',88.64,0.05000000074505806,0.7473213505060943,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',390,'2020-09-14 20:56:40',90,0.17499999701976776,0.7800117931758834,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',391,'2020-09-14 21:01:40',88.64,0.15000000596046448,0.7639784055157275,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',392,'2020-09-14 21:06:40',84.64,0.20000000298023224,0.5747240467662691,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',393,'2020-09-14 21:11:40',78.28,0.10000000149011612,0.6158361947307953,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',394,'2020-09-14 21:16:40',70,0.02500000037252903,0.635943815871135,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',395,'2020-09-14 21:21:40',60.35,0.02500000037252903,0.5327821640218606,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',396,'2020-09-14 21:26:40',50,0.05000000074505806,0.5747240436666605,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',397,'2020-09-14 21:31:40',39.65,0.02500000037252903,0.5954118173095437,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',398,'2020-09-14 21:36:40',30,0.02500000037252903,0.5517295873996056,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',399,'2020-09-14 21:41:40',21.72,0.02500000037252903,0.5726428888656843,1000,'null');
INSERT INTO `metric_data` VALUES ('3cdfb2af9ade484daab02e9bc20747c8',400,'2020-09-14 21:46:40',15.36,0,0.7104253839368853,1000,'null');
/*!40000 ALTER TABLE `metric_data` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

