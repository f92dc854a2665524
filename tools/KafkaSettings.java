import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;

/** Prints what a broker knows of its settings, or of its topics': name, type, default, validator. */
public class KafkaSettings {
    private static final String TOPIC = "org.apache.kafka.storage.internals.log.LogConfig";
    private static final String BROKER = "org.apache.kafka.server.config.AbstractKafkaConfig";
    private static final String BROKER_TO_3_8 = "kafka.server.KafkaConfig";

    public static void main(String[] args) throws Exception {
        ConfigDef known = args[0].equals("topic") ? called(TOPIC, "configDefCopy") : broker();
        for (Map.Entry<String, ConfigDef.ConfigKey> entry
                : new TreeMap<>(known.configKeys()).entrySet()) {
            ConfigDef.ConfigKey key = entry.getValue();
            if (key.name.startsWith("internal.")) continue;
            String[] row = {
                key.name,
                key.type.name(),
                key.hasDefault() ? ConfigDef.convertToString(key.defaultValue, key.type) : "",
                key.validator == null ? "" : key.validator.toString().replace('\n', ' '),
            };
            System.out.println(String.join("\t", row));
        }
    }

    private static ConfigDef broker() throws Exception {
        try {
            return (ConfigDef) Class.forName(BROKER).getField("CONFIG_DEF").get(null);
        } catch (ReflectiveOperationException error) {
            return called(BROKER_TO_3_8, "configDef");
        }
    }

    private static ConfigDef called(String name, String method) throws Exception {
        return (ConfigDef) Class.forName(name).getMethod(method).invoke(null);
    }
}
