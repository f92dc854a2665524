import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;

/** Prints what a broker knows of topic settings: name, type, default, and its validator's words. */
public class TopicSettings {
    public static void main(String[] args) throws Exception {
        ConfigDef known = (ConfigDef) Class.forName(args[0]).getMethod("configDefCopy").invoke(null);
        for (Map.Entry<String, ConfigDef.ConfigKey> entry
                : new TreeMap<>(known.configKeys()).entrySet()) {
            ConfigDef.ConfigKey key = entry.getValue();
            String[] row = {
                key.name,
                key.type.name(),
                key.hasDefault() ? ConfigDef.convertToString(key.defaultValue, key.type) : "",
                key.validator == null ? "" : key.validator.toString(),
            };
            System.out.println(String.join("\t", row));
        }
    }
}
