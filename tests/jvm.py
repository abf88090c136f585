"""A JVM for small data, most of which is warming up."""

# It compiles fast rather than well, and plans are interpreted, not compiled.
COMPILES_FAST = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"
INTERPRETS_PLANS = "-Dspark.sql.codegen.wholeStage=false -Dspark.sql.codegen.factoryMode=NO_CODEGEN"
