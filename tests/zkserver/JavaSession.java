import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Transaction;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** A session of the official client: nodes, watches, multis; then it waits, and tells what becomes of it. */
public final class JavaSession {
    public static void main(String[] arguments) throws Exception {
        ZooKeeper client = new ZooKeeper(arguments[0], 2000, event -> {
            say("event", event.getState(), event.getType(), event.getPath());
        });
        client.addWatch("/java", AddWatchMode.PERSISTENT_RECURSIVE);
        client.create("/java", "data".getBytes(StandardCharsets.UTF_8), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        String sequential = client.create("/java/s-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL);
        say("created", sequential);
        Stat stat = new Stat();
        say("data", new String(client.getData("/java", false, stat), StandardCharsets.UTF_8), stat.getNumChildren());

        List<OpResult> results = client.multi(List.of(
                Op.check("/java", 0),
                Op.create("/java/multi", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
                Op.setData("/java", new byte[0], 0),
                Op.delete("/java/multi", 0)));
        say("multi", results.size());
        Transaction failing = client.transaction();
        failing.create("/java/never", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        failing.delete("/absent", -1);
        try {
            failing.commit();
        } catch (KeeperException error) {
            say("failed", error.code());
        }
        say("reads", client.multi(List.of(Op.getChildren("/java"), Op.getData("/java"))).size());
        say("ephemerals", client.getEphemerals().size(), client.getAllChildrenNumber("/java"));
        client.addAuthInfo("digest", "ann:secret".getBytes(StandardCharsets.UTF_8));
        client.create("/java/mine", null, Ids.CREATOR_ALL_ACL, CreateMode.CONTAINER);
        say("identities", client.whoAmI().size());
        say("ready");
        System.in.read();
        client.close();
        say("closed");
    }

    private static void say(Object... words) {
        StringBuilder line = new StringBuilder();
        for (Object word : words) {
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        System.out.println(line);
    }
}
