"""JVMs for small data."""

# Most of a short life is warming up: it compiles fast rather than well.
COMPILES_FAST = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"
# A long one is worth compiling for: from the second build on it takes two thirds of the time.
# And worth room: what a plan leaves is soon garbage.
COMPILES_WELL = "-XX:ReservedCodeCacheSize=512m -XX:+UseSerialGC -Xms2g -Xmn1g"
INTERPRETS_PLANS = "-Dspark.sql.codegen.wholeStage=false -Dspark.sql.codegen.factoryMode=NO_CODEGEN"

SHORT_LIVED = f"{COMPILES_FAST} {INTERPRETS_PLANS}"
LONG_LIVED = f"{COMPILES_WELL} {INTERPRETS_PLANS}"
